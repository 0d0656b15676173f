// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup: finds the subcommand, and says what went wrong.
 */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands.h"
#include "tools/names.h"

#define PROGRAM		"overlaybdsetup"
/* Two names, and a reason that has two. */
#define MESSAGE_SIZE	(4 * PATH_MAX + 512)

static const struct command *const commands[] = {
	&cmd_open, &cmd_close, &cmd_table, &cmd_status, &cmd_grow, &cmd_trace,
	&cmd_dump, &cmd_verify, &cmd_export, &cmd_create,
	&cmd_create_upper, &cmd_repair, &cmd_seal, &cmd_commit, &cmd_merge,
	&cmd_snapshot, &cmd_gzindex, &cmd_turbo,
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

#define WARNING		"warning:"

static char message[MESSAGE_SIZE];
static char first[MESSAGE_SIZE];	/* that is no warning */

/* Others wrote the names that are in it: keep terminals out of their reach. */
static void blank_control_characters(char *text)
{
	for (; *text; text++)
		*text = name_char(*text);
}

void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	blank_control_characters(message);
	fprintf(stderr, PROGRAM ": %s\n", message);
	if (!*first && strncmp(message, WARNING, strlen(WARNING)))
		memcpy(first, message, sizeof(first));
}

const char *first_complaint(void)
{
	return first;
}

const char *last_complaint(void)
{
	return message;
}

int usage_error(const struct command *cmd, const char *fmt, ...)
{
	char text[MESSAGE_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	complain("%s: %s", cmd->name, text);
	fprintf(stderr, "Try '" PROGRAM " %s --help'.\n", cmd->name);
	return EXIT_USAGE;
}

int option_error(const struct command *cmd, int c, char **argv)
{
	const char *arg = argv[optind - 1], *next = argv[optind];
	const char *letter = optopt && next && next[0] == '-' &&
			     next[1] != '-' ? strchr(next, optopt) : NULL;

	if (c == ':')
		return usage_error(cmd, "option %s needs a value", arg);
	/* Letters behind a minus are passed by with the last of them only. */
	if ((letter && letter[1]) ||
	    (optopt && (strncmp(arg, "--", 2) || !strchr(arg, '='))))
		return usage_error(cmd, "bad option -%c", optopt);
	return usage_error(cmd, "bad option %s", arg);
}

int print_help(const struct command *cmd)
{
	printf("Usage: " PROGRAM " %s %s\n\n%s.\n\n%s", cmd->name, cmd->args,
	       cmd->summary, cmd->help);
	return EXIT_OK;
}

static int print_commands(void)
{
	size_t i;

	printf("Usage: " PROGRAM " COMMAND [ARGUMENT...]\n\n"
	       "Block devices from OverlayBD images.\n\nCommands:\n");
	for (i = 0; i < NR_COMMANDS; i++)
		printf("  %s %s\n      %s\n", commands[i]->name,
		       commands[i]->args, commands[i]->summary);
	printf("\nOptions:\n"
	       "  -h, --help     print this; after a command, its options\n"
	       "  -V, --version  print the version\n\n"
	       "Exit status: 0 success, 1 failure, 2 wrong arguments, 3 invalid or\n"
	       "corrupt blob, configuration or trace, 4 device in use, 5 no such\n"
	       "device.\n");
	return EXIT_OK;
}

static int print_version(void)
{
	printf(PROGRAM " %s\n", OVERLAYBD_VERSION);
	return EXIT_OK;
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int point_to_help(void)
{
	fprintf(stderr, "Try '" PROGRAM " --help'.\n");
	return EXIT_USAGE;
}

static int run(int argc, char **argv)
{
	const struct command *cmd;

	if (argc < 2) {
		complain("no command given");
		return point_to_help();
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))
		return print_commands();
	if (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version"))
		return print_version();
	cmd = find_command(argv[1]);
	if (cmd)
		return cmd->run(argc - 1, argv + 1);
	complain("unknown %s '%s'", *argv[1] == '-' ? "option" : "command",
		 argv[1]);
	return point_to_help();
}

/*
 * A layer that is opened as one of these would get what is printed. To read or
 * write there goes on to fail, so that lost output is noticed.
 */
static bool open_standard(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	int r;

	if (!open_standard())
		return EXIT_FAILED;
	/* A file that would become too large is an error like others. */
	signal(SIGXFSZ, SIG_IGN);
	r = run(argc, argv);
	/* Output that was lost, say to a full disk, is no success. */
	if (fflush(stdout) || ferror(stdout)) {
		complain(r ? "cannot write the output" :
			 "cannot write the output; all else is done");
		return r ? r : EXIT_FAILED;
	}
	return r;
}
