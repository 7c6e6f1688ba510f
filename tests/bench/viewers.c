/*
 * viewers.c - see viewers.h. The program that is viewed is another one.
 */
#include "viewers.h"

#include <stdio.h>

/* The longest delay in that state, ms. */
static double delay_of(const char *state, bool quick)
{
	char command[512];
	double delay = -1;
	FILE *output;

	snprintf(command, sizeof command, "'%s' %s %d", BENCH_VIEWED, state, quick ? 1 : 50);
	output = popen(command, "re");
	if (!output)
		return -1;
	if (fscanf(output, "%lf", &delay) != 1)
		delay = -1;
	return pclose(output) == 0 ? delay : -1;
}

double viewer_death_delay(bool quick)
{
	static const char *const states[] = {"blocking", "stopped", "paused", "stepping", "observer"};
	double longest = 0;

	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		double delay = delay_of(states[i], quick);

		if (delay < 0)
			return -1;
		longest = delay > longest ? delay : longest;
	}
	return longest;
}

double viewer_stop_delay(bool quick)
{
	return delay_of("waits", quick);
}
