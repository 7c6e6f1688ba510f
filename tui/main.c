/*
 * main.c - the program `coroscope`: the subcommands of tracer/command with this screen.
 *
 * Options of the screen are taken out of the command line before the subcommand sees it.
 * They stand before or after the subcommand; what comes after the program's name is the
 * program's.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include "ui.h"

static struct ui_options options = {.terminal.colours = UI_COLOURS_AUTO};

static int user_interface(struct session *session, bool *kill)
{
	return ui_main(session, &options, kill);
}

static const char help[] =
	"\nOptions of the screen, before or after the name of the command:\n"
	"  --color=WHICH  never, auto, 8, 16, 256, true: how many colours; auto, the default, obeys\n"
	"                 NO_COLOR\n"
	"  --ascii        no sign beyond ASCII\n"
	"  --no-mouse     leaves the mouse to the terminal\n"
	"  --no-sync      no synchronized output, for a terminal that flickers with it\n"
	"  --pin          fixed words for process id and time, so that screens can be compared\n";

/* Takes an option of the screen. 1: it was one; 0: it is another's; -1: it is bad. */
static int take_option(const char *word)
{
	if (strcmp(word, "--ascii") == 0)
		options.ascii = true;
	else if (strcmp(word, "--no-mouse") == 0)
		options.terminal.no_mouse = true;
	else if (strcmp(word, "--no-sync") == 0)
		options.terminal.no_sync = true;
	else if (strcmp(word, "--pin") == 0)
		options.pin = true;
	else if (strncmp(word, "--color=", 8) == 0) {
		if (ui_colours_parse(word + 8, &options.terminal.colours))
			return 1;
		fprintf(stderr, "coroscope: --color=%s: not one of never, auto, 8, 16, 256, true\n",
				word + 8);
		return -1;
	} else
		return 0;
	return 1;
}

/* Options of subcommands whose value is the next word. */
static bool takes_value(const char *word)
{
	return strcmp(word, "-x") == 0 || strcmp(word, "-o") == 0 || strcmp(word, "--output") == 0;
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	/* Words that are neither options nor values of options: the subcommand, then what it is
	 * about. Only a trace file may be followed by more options. */
	int kept = 1, words = 0;
	const char *subcommand = "";
	bool taking = true;
	for (int i = 1; i < argc; i++) {
		if (taking && strcmp(argv[i], "--") == 0)
			taking = false;
		int taken = taking ? take_option(argv[i]) : 0;
		if (taken < 0)
			return EXIT_USAGE;
		if (taken)
			continue;
		if (taking && argv[i][0] != '-' && !takes_value(argv[i - 1])) {
			if (words++ == 0)
				subcommand = argv[i];
			else if (strcmp(subcommand, "replay") != 0)
				taking = false;
		}
		argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	command_user_interface = user_interface;
	command_screen_options = help;
	return command_main(kept, argv);
}
