/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The subcommands, and what they share: exit codes and messages.
 */
#ifndef OVERLAYBD_COMMANDS_H
#define OVERLAYBD_COMMANDS_H

#include <errno.h>
#include <stdbool.h>

/* Exit codes; the manual page documents them. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,	/* an operation failed: I/O, no memory, ... */
	EXIT_USAGE = 2,		/* wrong arguments */
	EXIT_INVALID = 3,	/* a blob or configuration is invalid or corrupt */
	EXIT_BUSY = 4,		/* the device is in use */
	EXIT_NO_DEVICE = 5,	/* there is no such device */
};

/**
 * exit_code_of - the exit code for what reading a blob returned
 * @r: 0, or a negative errno of the parser
 *
 * Only the first three are the blob's fault: others are the machine's, or this
 * version's, which does not support all that the formats know.
 */
static inline int exit_code_of(int r)
{
	if (r == -EINVAL || r == -EBADMSG || r == -EILSEQ)
		return EXIT_INVALID;
	if (r == -EBUSY)
		return EXIT_BUSY;
	return r ? EXIT_FAILED : EXIT_OK;
}

/**
 * exit_code_of_both - which of two exit codes is told
 * @a: one
 * @b: the other
 *
 * That something is corrupt must not be hidden by another's being in use.
 */
static inline int exit_code_of_both(int a, int b)
{
	if (a == EXIT_INVALID || b == EXIT_INVALID)
		return EXIT_INVALID;
	return a > b ? a : b;
}

/**
 * struct command - a row of the action table
 * @name: as typed
 * @args: what follows it, for the usage line
 * @summary: one line for --help
 * @help: options, a line each
 * @run: argv[0] is @name; returns an exit code
 */
struct command {
	const char *name;
	const char *args;
	const char *summary;
	const char *help;
	int (*run)(int argc, char **argv);
};

extern const struct command cmd_open, cmd_close, cmd_table, cmd_status;
extern const struct command cmd_trace, cmd_create_upper, cmd_repair, cmd_grow;
extern const struct command cmd_seal, cmd_commit, cmd_merge, cmd_snapshot;
extern const struct command cmd_gzindex, cmd_turbo;
extern const struct command cmd_dump, cmd_verify, cmd_export, cmd_create;

/**
 * complain - print "overlaybdsetup: ..." on standard error
 * @fmt: printf format, without a newline
 */
__attribute__((format(printf, 1, 2)))
void complain(const char *fmt, ...);

/**
 * first_complaint - the first complaint, for a result file
 *
 * What comes after it, as while cleaning up, is not the reason. Warnings do
 * not count.
 *
 * Return: the text, without the program's name; empty if there was none.
 */
const char *first_complaint(void);

/**
 * last_complaint - the last complaint, for JSON
 *
 * Return: the text, without the program's name.
 */
const char *last_complaint(void);

/**
 * usage_error - complain, and point to --help
 * @cmd: the command
 * @fmt: printf format, without a newline
 *
 * Return: EXIT_USAGE.
 */
__attribute__((format(printf, 2, 3)))
int usage_error(const struct command *cmd, const char *fmt, ...);

/**
 * option_error - complain of what getopt_long() has refused
 * @cmd: the command
 * @c: what it returned: ':' for a missing value, if the letters that it knows
 *	begin with one, or '?'
 * @argv: of the command
 *
 * Return: EXIT_USAGE.
 */
int option_error(const struct command *cmd, int c, char **argv);

/**
 * print_help - print a command's usage, for its --help
 * @cmd: the command
 *
 * Return: EXIT_OK.
 */
int print_help(const struct command *cmd);

#endif
