// SPDX-License-Identifier: GPL-2.0-only
/*
 * The configuration: what is taken from it, and what is said where it is wrong.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/said.h"
#include "tools/commands.h"
#include "tools/config.h"

#define PATH	"/images/a/config.v1.json"

static int parse_at(struct config *config, const char *path, const char *text)
{
	*said = '\0';
	return config_parse(config, path, text, strlen(text));
}

static void good(struct config *config, const char *text)
{
	int r = parse_at(config, PATH, text);

	if (r)
		fail_msg("refused: %s", said);
	assert_string_equal(said, "");
}

static void bad(const char *text, const char *reason)
{
	struct config config;

	assert_int_equal(parse_at(&config, PATH, text), EXIT_INVALID);
	if (!strstr(said, reason))
		fail_msg("expected '%s' in '%s'", reason, said);
	assert_non_null(strstr(said, PATH));
	config_release(&config);
}

static void all_fields_are_taken(void **state)
{
	struct config c;

	(void)state;
	good(&c, "{\"repoBlobUrl\": \"https://registry/v2/name/blobs\","
		 " \"lowers\": [{\"file\": \"/l/0\"},"
		 " {\"dir\": \"/l/1\", \"digest\": \"sha256:12\","
		 "  \"size\": 123},"
		 " {\"file\": \"/l/2\", \"targetFile\": \"/l/2.tgz\","
		 "  \"gzipIndex\": \"/l/2.idx\"}],"
		 " \"upper\": {\"index\": \"/u/i\", \"data\": \"/u/d\"},"
		 " \"resultFile\": \"/r\"}");
	assert_int_equal(c.nr_lowers, 3);
	assert_string_equal(c.lowers[0].file, "/l/0");
	assert_null(c.lowers[0].dir);
	assert_null(c.lowers[1].file);
	assert_string_equal(c.lowers[1].dir, "/l/1");
	assert_string_equal(c.lowers[1].digest, "sha256:12");
	assert_int_equal(c.lowers[1].size, 123);
	assert_string_equal(c.lowers[2].target_file, "/l/2.tgz");
	assert_true(config_has_upper(&c));
	assert_string_equal(c.upper.data, "/u/d");
	assert_string_equal(c.upper.index, "/u/i");
	assert_string_equal(c.result_file, "/r");
	assert_string_equal(c.path, PATH);
	config_release(&c);
}

static void relative_paths_begin_at_the_configuration(void **state)
{
	const char *text = "{\"lowers\": [{\"file\": \"l0\"},"
			   " {\"dir\": \"d\"}],"
			   " \"resultFile\": \"../r\"}";
	struct config c;

	(void)state;
	good(&c, text);
	assert_string_equal(c.lowers[0].file, "/images/a/l0");
	assert_string_equal(c.lowers[1].dir, "/images/a/d");
	assert_string_equal(c.result_file, "/images/a/../r");
	config_release(&c);
	assert_int_equal(parse_at(&c, "c.json", text), EXIT_OK);
	assert_string_equal(c.lowers[0].file, "l0");
	config_release(&c);
	assert_int_equal(parse_at(&c, "/c.json", text), EXIT_OK);
	assert_string_equal(c.lowers[0].file, "/l0");
	config_release(&c);
}

static void empty_and_null_are_absent(void **state)
{
	static const char *const uppers[] = {
		"{}", "null",
		"{\"data\": \"\", \"index\": \"\", \"target\": \"\"}",
		"{\"data\": null, \"vsize\": 64}",
	};
	char text[256];
	struct config c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(uppers) / sizeof(uppers[0]); i++) {
		snprintf(text, sizeof(text),
			 "{\"lowers\": [{\"file\": \"/l\", \"dir\": null,"
			 " \"digest\": \"\", \"targetFile\": \"\"}],"
			 " \"upper\": %s, \"resultFile\": \"\"}", uppers[i]);
		good(&c, text);
		assert_false(config_has_upper(&c));
		assert_null(c.result_file);
		assert_null(c.lowers[0].target_file);
		assert_null(c.lowers[0].digest);
		config_release(&c);
	}
}

static void unknown_fields_are_ignored(void **state)
{
	struct config c;

	(void)state;
	good(&c, "{\"download\": {\"enable\": true}, \"x\": [1, [2]],"
		 " \"lowers\": [{\"file\": \"/l\", \"y\": {}}]}\n");
	assert_int_equal(c.nr_lowers, 1);
	config_release(&c);
}

static void wrong_types_name_the_field(void **state)
{
	(void)state;
	bad("[]", "the configuration is array, expected an object");
	bad("null ", "the configuration is null, expected an object");
	bad("{\"lowers\": {}}", "lowers is object, expected an array");
	bad("{\"lowers\": [\"/l\"]}", "lowers[0] is string, expected an obj");
	bad("{\"lowers\": [{}, null]}", "lowers[1] is null, expected an obj");
	bad("{\"lowers\": [{}, {\"file\": 7}]}",
	    "lowers[1].file is int, expected a string");
	bad("{\"lowers\": [{\"dir\": []}]}", "lowers[0].dir is array");
	bad("{\"lowers\": [{\"digest\": 1.5}]}", "lowers[0].digest is double");
	bad("{\"lowers\": [{\"targetFile\": true}]}",
	    "lowers[0].targetFile is boolean");
	bad("{\"lowers\": [{\"size\": \"1\"}]}",
	    "lowers[0].size is string, expected a number of bytes");
	bad("{\"lowers\": [{\"size\": -1}]}", "lowers[0].size is -1");
	bad("{\"lowers\": [{\"size\": 18446744073709551617}]}",
	    "expected 0 to 9223372036854775807");
	bad("{\"lowers\": [{}], \"upper\": \"/u\"}",
	    "upper is string, expected an object");
	bad("{\"lowers\": [{}], \"upper\": {\"gzipIndex\": 0}}",
	    "upper.gzipIndex is int");
	bad("{\"lowers\": [{}], \"resultFile\": {}}", "resultFile is object");
}

static void broken_json_is_refused(void **state)
{
	(void)state;
	bad("", "not JSON: unexpected end at byte 0");
	bad("{", "unexpected end");
	bad("{\"lowers\": [{\"file\": \"/l\"}]", "unexpected end");
	bad("{\"lowers\" [", "not JSON");
	bad("{\"lowers\": [{\"file\": \"/l\"}]} {}", "more than one JSON");
	bad("{\"lowers\": [{\"file\": \"/l\"}]}}", "more than one JSON");
	bad("{\"lowers\": [{\"file\": \"/l\\u0000/m\"}]}",
	    "lowers[0].file contains a NUL");
	bad("{\"x\": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "not JSON");
}

/* To be freed. */
static char *many_lowers(int nr)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int i;

	fputs("{\"lowers\": [", out);
	for (i = 0; i < nr; i++)
		fprintf(out, "%s{\"file\": \"/l%d\"}", i ? ", " : "", i);
	/* And room for more. */
	fprintf(out, "]}%64s", "");
	fclose(out);
	return text;
}

static void the_number_of_lowers_is_bounded(void **state)
{
	char *most = many_lowers(255), *more = many_lowers(256);
	struct config c;

	(void)state;
	bad("{}", "lowers has 0 elements, expected 1 to 255");
	bad("{\"lowers\": []}", "lowers has 0 elements");
	bad("{\"lowers\": null}", "lowers has 0 elements");
	bad(more, "lowers has 256 elements, expected 1 to 255");
	good(&c, most);
	assert_int_equal(c.nr_lowers, 255);
	assert_string_equal(c.lowers[254].file, "/l254");
	config_release(&c);
	/* An upper is one of them, or the only one. */
	strcpy(strrchr(most, '}'), ", \"upper\": {\"data\": \"d\"}}");
	bad(most, "lowers has 255 elements, expected 0 to 254");
	good(&c, "{\"upper\": {\"data\": \"d\"}}");
	assert_int_equal(c.nr_lowers, 0);
	config_release(&c);
	free(most);
	free(more);
}

/* So that open can report the rest of it there. */
static void result_file_is_known_when_the_rest_is_bad(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(parse_at(&c, PATH, "{\"lowers\": 1, \"resultFile\": "
				  "\"/r\"}"), EXIT_INVALID);
	assert_string_equal(c.result_file, "/r");
	config_release(&c);
}

static int resolve(const char *text)
{
	struct config c;
	int r;

	good(&c, text);
	r = config_resolve(&c);
	config_release(&c);
	return r;
}

static void targets_become_layers(void **state)
{
	const struct config_lower *l;
	struct config c;

	(void)state;
	good(&c, "{\"lowers\": [{\"file\": \"/l\"}, {\"file\": \"/m\","
		 " \"targetFile\": \"/t\", \"gzipIndex\": \"/i\"},"
		 " {\"file\": \"/n\", \"targetFile\": \"/u\"}]}");
	assert_int_equal(config_resolve(&c), EXIT_OK);
	/* Once more changes nothing. */
	assert_int_equal(config_resolve(&c), EXIT_OK);
	assert_int_equal(c.nr_lowers, 5);
	l = c.lowers;
	assert_int_equal(l[0].kind, LAYER_LOWER);
	assert_int_equal(l[1].kind, LAYER_TURBO);
	assert_string_equal(l[1].file, "/m");
	assert_int_equal(l[2].kind, LAYER_GZIP);
	assert_string_equal(l[2].file, "/t");
	assert_string_equal(l[2].gzip_index, "/i");
	assert_int_equal(l[3].kind, LAYER_TURBO);
	assert_int_equal(l[4].kind, LAYER_RAW);
	assert_string_equal(l[4].file, "/u");
	assert_null(l[4].gzip_index);
	config_release(&c);
}

static void an_index_takes_a_target(void **state)
{
	(void)state;
	assert_int_equal(resolve("{\"lowers\": [{\"file\": \"/l\","
				 " \"gzipIndex\": \"/i\"}]}"), EXIT_INVALID);
	assert_non_null(strstr(said, "lowers[0] has gzipIndex, but no target"));
}

/* 127 pairs and a layer are 255; with another layer they are too many. */
static void targets_count_as_layers(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out;
	int i, more;

	(void)state;
	for (more = 0; more < 2; more++) {
		out = open_memstream(&text, &size);
		fputs("{\"lowers\": [{\"file\": \"/l\"}", out);
		for (i = 0; i < more; i++)
			fputs(", {\"file\": \"/l\"}", out);
		for (i = 0; i < 127; i++)
			fputs(", {\"file\": \"/m\", \"targetFile\": \"/t\"}",
			      out);
		fputs("]}", out);
		fclose(out);
		assert_int_equal(resolve(text),
				 more ? EXIT_INVALID : EXIT_OK);
		free(text);
	}
	assert_non_null(strstr(said, "256 layers, expected at most 255"));
}

static void an_upper_takes_data_and_index(void **state)
{
	(void)state;
	assert_int_equal(resolve("{\"upper\": {\"data\": \"/u/d\"}}"),
			 EXIT_INVALID);
	assert_non_null(strstr(said, PATH ": upper has no index"));
	assert_int_equal(resolve("{\"upper\": {\"index\": \"/u/i\"}}"),
			 EXIT_INVALID);
	assert_non_null(strstr(said, PATH ": upper has no data"));
	assert_int_equal(resolve("{\"upper\": {\"index\": \"/u/i\", "
				 "\"data\": \"/u/d\"}}"), EXIT_OK);
	assert_int_equal(resolve("{\"upper\": {\"index\": \"/u/i\", "
				 "\"data\": \"/u/d\", \"target\": "
				 "\"/u/t\"}}"), EXIT_FAILED);
	assert_non_null(strstr(said, "upper.target (/u/t): writable TurboOCI"));
	assert_int_equal(resolve("{\"upper\": {\"gzipIndex\": \"/u/g\"}}"),
			 EXIT_FAILED);
	assert_non_null(strstr(said, "upper.gzipIndex (/u/g)"));
}

static void remote_targets_are_to_be_downloaded(void **state)
{
	(void)state;
	assert_int_equal(resolve("{\"lowers\": [{\"file\": \"/l\"}, "
				 "{\"file\": \"/m\", \"gzipIndex\": \"/g\", "
				 "\"targetDigest\": \"sha256:cd\"}]}"),
			 EXIT_FAILED);
	assert_string_equal(said, "layer 1: its target is remote (digest "
				  "sha256:cd): download it first, and name it "
				  "as targetFile");
	assert_int_equal(resolve("{\"lowers\": [{\"file\": \"/m\", "
				 "\"targetDigest\": \"sha256:cd\", "
				 "\"targetFile\": \"/t\"}]}"), EXIT_OK);
}

static void remote_layers_are_to_be_downloaded(void **state)
{
	(void)state;
	assert_int_equal(resolve("{\"lowers\": [{\"file\": \"/l\"}, "
				 "{\"digest\": \"sha256:ab\"}]}"),
			 EXIT_FAILED);
	assert_string_equal(said, "layer 1 is remote (digest sha256:ab): "
				  "download it first");
	assert_int_equal(resolve("{\"lowers\": [{\"dir\": \"/no/where\", "
				 "\"digest\": \"sha256:ab\"}]}"),
			 EXIT_FAILED);
	assert_non_null(strstr(said, "as /no/where/overlaybd.commit"));
	assert_int_equal(resolve("{\"lowers\": [{\"dir\": \"/no/where\"}]}"),
			 EXIT_FAILED);
	assert_non_null(strstr(said, "no overlaybd.commit, .commit or "));
	assert_int_equal(resolve("{\"lowers\": [{}]}"), EXIT_INVALID);
	assert_non_null(strstr(said, "lowers[0] has none of the fields"));
}

static void touch(const char *dir, const char *name)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
}

static void expect_found(const char *dir, const char *name)
{
	char text[512], path[512];
	struct config c;

	snprintf(text, sizeof(text), "{\"lowers\": [{\"dir\": \"%s\"}]}", dir);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	good(&c, text);
	assert_int_equal(config_resolve(&c), EXIT_OK);
	assert_string_equal(c.lowers[0].file, path);
	config_release(&c);
}

static void folders_are_searched_in_order(void **state)
{
	static const char *const names[] = {
		"overlaybd.sealed", ".commit", "overlaybd.commit",
	};
	char dir[] = "/tmp/test-config.XXXXXX";
	char path[512];
	int i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (i = 0; i < 3; i++) {
		touch(dir, names[i]);
		expect_found(dir, names[i]);
	}
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

/* A blob that is meant to be there is not passed over for another. */
static void links_to_nothing_are_found(void **state)
{
	char dir[] = "/tmp/test-config.XXXXXX";
	char link[64], sealed[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof(link), "%s/overlaybd.commit", dir);
	snprintf(sealed, sizeof(sealed), "%s/overlaybd.sealed", dir);
	touch(dir, "overlaybd.sealed");
	assert_int_equal(symlink("nowhere", link), 0);
	expect_found(dir, "overlaybd.commit");
	unlink(link);
	unlink(sealed);
	rmdir(dir);
}

/* Nor is one whose folder cannot be looked into a remote one. */
static void folders_that_cannot_be_searched_are_named(void **state)
{
	char dir[] = "/tmp/test-config.XXXXXX";
	char loop[64], text[256];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(loop, sizeof(loop), "%s/loop", dir);
	assert_int_equal(symlink("loop", loop), 0);
	snprintf(text, sizeof(text),
		 "{\"lowers\": [{\"dir\": \"%s\", \"digest\": \"x\"}]}", loop);
	assert_int_equal(resolve(text), EXIT_FAILED);
	assert_non_null(strstr(said, "cannot look for "));
	assert_non_null(strstr(said, "/loop/overlaybd.commit: Too many"));
	unlink(loop);
	rmdir(dir);
}

static void files_are_read_within_bounds(void **state)
{
	const char *text = "{\"lowers\": [{\"file\": \"l\"}]}";
	char path[] = "/tmp/test-config.XXXXXX";
	int fd = mkstemp(path);
	struct config c;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(config_load(&c, path), EXIT_OK);
	assert_string_equal(c.lowers[0].file, "/tmp/l");
	config_release(&c);
	assert_int_equal(ftruncate(fd, (1 << 20) + 1), 0);
	assert_int_equal(config_load(&c, path), EXIT_INVALID);
	assert_non_null(strstr(said, "larger than 1048576 bytes"));
	config_release(&c);
	close(fd);
	unlink(path);
	assert_int_equal(config_load(&c, path), EXIT_FAILED);
	assert_non_null(strstr(said, "No such file"));
	assert_int_equal(config_load(&c, "/"), EXIT_FAILED);
	config_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_fields_are_taken),
		cmocka_unit_test(relative_paths_begin_at_the_configuration),
		cmocka_unit_test(empty_and_null_are_absent),
		cmocka_unit_test(unknown_fields_are_ignored),
		cmocka_unit_test(wrong_types_name_the_field),
		cmocka_unit_test(broken_json_is_refused),
		cmocka_unit_test(the_number_of_lowers_is_bounded),
		cmocka_unit_test(result_file_is_known_when_the_rest_is_bad),
		cmocka_unit_test(targets_become_layers),
		cmocka_unit_test(an_index_takes_a_target),
		cmocka_unit_test(targets_count_as_layers),
		cmocka_unit_test(an_upper_takes_data_and_index),
		cmocka_unit_test(remote_layers_are_to_be_downloaded),
		cmocka_unit_test(remote_targets_are_to_be_downloaded),
		cmocka_unit_test(folders_are_searched_in_order),
		cmocka_unit_test(links_to_nothing_are_found),
		cmocka_unit_test(folders_that_cannot_be_searched_are_named),
		cmocka_unit_test(files_are_read_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
