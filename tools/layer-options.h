/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The options of all commands that write a layer.
 */
#ifndef OVERLAYBD_LAYER_OPTIONS_H
#define OVERLAYBD_LAYER_OPTIONS_H

#include <getopt.h>

#include "tools/commands.h"
#include "tools/writer-lsmt.h"
#include "tools/writer-zfile.h"

/**
 * struct layer_options - how a layer is written
 * @zfile: its compression; no compressor: a plain layer
 * @info: what it says of itself
 * @nr_threads: threads to use
 * @tar: inside a tar archive
 * @json: tell the result in JSON
 */
struct layer_options {
	struct zfile_options zfile;
	struct lsmt_info info;
	uint64_t nr_threads;
	bool tar;
	bool json;
};

/* What getopt_long() returns for them; those of commands begin behind. */
enum {
	OPT_LAYER_COMPRESS = 256, OPT_LAYER_BLOCK_SIZE, OPT_LAYER_LEVEL,
	OPT_LAYER_NO_CRC, OPT_LAYER_TAR, OPT_LAYER_UUID, OPT_LAYER_PARENT,
	OPT_LAYER_USER_TAG, OPT_LAYER_THREADS, OPT_LAYER_JSON, OPT_LAYER_END,
};

#define LAYER_OPTIONS							\
	{ "compress", required_argument, NULL, OPT_LAYER_COMPRESS },	\
	{ "block-size", required_argument, NULL, OPT_LAYER_BLOCK_SIZE },\
	{ "level", required_argument, NULL, OPT_LAYER_LEVEL },		\
	{ "no-crc", no_argument, NULL, OPT_LAYER_NO_CRC },		\
	{ "tar", no_argument, NULL, OPT_LAYER_TAR },			\
	{ "uuid", required_argument, NULL, OPT_LAYER_UUID },		\
	{ "parent", required_argument, NULL, OPT_LAYER_PARENT },	\
	{ "parent-uuid", required_argument, NULL, OPT_LAYER_PARENT },	\
	{ "user-tag", required_argument, NULL, OPT_LAYER_USER_TAG },	\
	{ "threads", required_argument, NULL, OPT_LAYER_THREADS },	\
	{ "json", no_argument, NULL, OPT_LAYER_JSON }

/* The lines of --help for those that say how it is written. */
#define LAYER_OPTIONS_HELP						\
"      --compress ALGO      lz4 or zstd; not compressed otherwise. The next three\n" \
"                           need it\n"				\
"      --block-size SIZE    512 to 1M, a power of two; 4096 otherwise\n"	\
"      --level N            1 to 12 for lz4 (1 otherwise), 1 to 22 for zstd (3)\n" \
"      --no-crc             leave out the checksum behind each block\n"	\
"      --tar                inside a tar archive, as registries have it\n" \
"      --threads N          use N threads, not all CPUs\n"		\
"      --json               tell the result in JSON\n"			\
"  -h, --help               print this\n"

/**
 * layer_options_init - what holds where nothing is said
 * @o: filled in
 */
void layer_options_init(struct layer_options *o);

/**
 * layer_options_set - take one option
 * @o: the options
 * @cmd: the command
 * @opt: what getopt_long() returned
 * @value: its argument
 *
 * Return: an exit code; -1 if it is none of these options.
 */
int layer_options_set(struct layer_options *o, const struct command *cmd,
		      int opt, const char *value);

/**
 * layer_options_check - check that they fit each other, fill in the rest
 * @o: the options
 * @cmd: the command
 *
 * Return: an exit code.
 */
int layer_options_check(struct layer_options *o, const struct command *cmd);

/**
 * option_size - parse the size of a disk
 * @cmd: the command
 * @name: of the option
 * @value: its argument
 * @size: bytes
 *
 * Return: an exit code.
 */
int option_size(const struct command *cmd, const char *name,
		const char *value, uint64_t *size);

/**
 * option_number - parse a number of an option
 * @cmd: the command
 * @name: of the option
 * @value: its argument
 * @most: the largest; 1 is the smallest
 * @number: the number
 *
 * Return: an exit code.
 */
int option_number(const struct command *cmd, const char *name,
		  const char *value, uint64_t most, uint64_t *number);

#endif
