/*
 * main.c - finds the subcommand and runs it.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include "command_private.h"

#ifndef COROSCOPE_VERSION
#define COROSCOPE_VERSION "0"
#endif

int (*command_user_interface)(struct session *session, bool *kill);

static const struct subcommand *const subcommands[] = {
	&subcommand_run,    &subcommand_record, &subcommand_attach, &subcommand_replay,
	&subcommand_list,   &subcommand_ps,     &subcommand_tree,   &subcommand_stack,
	&subcommand_events, &subcommand_stat,   &subcommand_export, &subcommand_recover,
	&subcommand_prune,
};
#define SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

static void help(void)
{
	printf("coroscope watches, records and replays programs made of coroutines.\n\n"
		   "usage: coroscope COMMAND ...\n\n");
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		printf("  %-8s %s\n", subcommands[i]->name, subcommands[i]->sentence);
	printf("\n  coroscope COMMAND --help says more; coroscope --version says which this is.\n");
}

/* Output that could not be written is a failure, even when all else went well. */
static int close_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno != EPIPE)
		report(NULL, "standard output: %s", strerror(errno ? errno : EIO));
	return EXIT_COULD_NOT;
}

int command_main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
		strcmp(argv[1], "help") == 0) {
		help();
		return close_output(EXIT_DONE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("coroscope %s\n", COROSCOPE_VERSION);
		return close_output(EXIT_DONE);
	}
	for (size_t i = 0; i < SUBCOMMANDS; i++) {
		if (strcmp(subcommands[i]->name, argv[1]) != 0)
			continue;
		/* The subcommand reads its own options from the beginning. */
		optind = 0;
		return close_output(subcommands[i]->main(argc - 1, argv + 1));
	}
	report(NULL, "unknown %s '%s': see coroscope --help", *argv[1] == '-' ? "option" : "command",
		   argv[1]);
	return EXIT_USAGE;
}
