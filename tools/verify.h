/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is wrong with a file, and what is said of it in the end: as text at once,
 * or as an object in the array of all results.
 */
#ifndef OVERLAYBD_VERIFY_H
#define OVERLAYBD_VERIFY_H

#include <json-c/json.h>

#include "dm-overlaybd-error.h"
#include "tools/progress.h"

/* Errors of a file that are shown; all are counted. */
#define VERIFY_MAX_SHOWN	16

/**
 * struct verify_options - how to verify
 * @nr_threads: threads, at least 1
 * @zfile: check no more than compressed blocks
 * @results: an array, for an object of each file; NULL for text
 */
struct verify_options {
	unsigned int nr_threads;
	bool zfile;
	struct json_object *results;
};

/**
 * struct verify - a file that is verified
 * @options: how
 * @path: its name
 * @nr_errors: shown or not
 * @failed: something could not be checked
 * @result: the object; NULL for text
 * @errors: the array of errors in it
 * @progress: ends where an error is shown
 */
struct verify {
	const struct verify_options *options;
	const char *path;
	u64 nr_errors;
	bool failed;
	struct json_object *result;
	struct json_object *errors;
	struct progress progress;
};

/**
 * verify_begin - begin with a file
 * @v: filled in
 * @options: how
 * @path: its name; not copied
 */
void verify_begin(struct verify *v, const struct verify_options *options,
		  const char *path);

/**
 * verify_error - something is wrong
 * @v: the file
 * @r: negative errno: whether it is the file's fault, see exit_code_of()
 * @text: what it is
 */
void verify_error(struct verify *v, int r, const char *text);

/**
 * verify_failed - tell the result of a file that was complained of already
 * @options: how
 * @path: its name
 * @r: the exit code, not EXIT_OK
 *
 * Return: @r.
 */
int verify_failed(const struct verify_options *options, const char *path,
		  int r);

/**
 * verify_verdict - begin the line that tells the result; does nothing for JSON
 * @v: the file
 *
 * More may follow on the line, until verify_end().
 */
void verify_verdict(const struct verify *v);

/**
 * verify_add_u64 - add a number to the object; does nothing for text
 * @v: the file
 * @key: its name
 * @value: the number
 */
void verify_add_u64(struct verify *v, const char *key, u64 value);

/**
 * verify_add_bool - add a truth to the object; does nothing for text
 * @v: the file
 * @key: its name
 * @value: the truth
 */
void verify_add_bool(struct verify *v, const char *key, bool value);

/**
 * verify_add_string - add a string to the object; does nothing for text
 * @v: the file
 * @key: its name
 * @value: the string
 */
void verify_add_string(struct verify *v, const char *key, const char *value);

/**
 * verify_end - end the line, or the object
 * @v: the file
 *
 * Return: an exit code.
 */
int verify_end(struct verify *v);

#endif
