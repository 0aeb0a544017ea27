/* SPDX-License-Identifier: MIT */
/* options: print the table of options, or the help that is made from it, for tests/lint/options. */
#include "pinefs/options.h"

#include <string.h>

static void print(void *arg, const char *name, char letter, const char *argument)
{
	(void)arg;
	printf("%s %c %s\n", name, letter ? letter : '-', argument ? argument : "-");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "help") == 0)
		pfs_options_help(stdout);
	else
		pfs_options_each(print, NULL);
	return 0;
}
