/*
 * ps.c - coroscope ps: coroutines and tasks, one a line.
 */
#include "command_private.h"

static int main_ps(int argc, char **argv)
{
	return show_source(&subcommand_ps, argc, argv, objects_list, objects_json);
}

const struct subcommand subcommand_ps = {
	"ps", SHOW_USAGE, "coroutines and tasks, one a line", SHOW_HELP, main_ps,
};
