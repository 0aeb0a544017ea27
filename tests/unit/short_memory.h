/* SPDX-License-Identifier: MIT */
/*
 * short_memory: lets memory run out at will. The program that links this must be linked with the
 * wraps that meson.build names; then every allocation of pinefs passes here.
 */
#ifndef PINEFS_SHORT_MEMORY_H
#define PINEFS_SHORT_MEMORY_H

#include <stdbool.h>

#include "pinefs/json.h"

/*
 * Run a scenario with its first allocation failing, then with its second, and so on, until one
 * passes whole; and once more with that and all after it failing. After each, all that it took
 * must have been given back. The scenario asserts what its calls may say.
 */
void short_memory_run(void (*scenario)(void *arg), void *arg);

/* While it is paused none fails: what the scenario does for itself. In a run it begins unpaused. */
void short_memory_pause(bool paused);

/* The scenario has pinefs give back what a library took: one allocation. */
void short_memory_adopt(void);

/* Did an allocation fail in this run? */
bool short_memory_struck(void);

/* Make the table of a good document, of which memory is never short: a part of the test. */
void short_memory_parse(const char *text, struct pfs_json *ret_json);

/* What a call said: it was done, or there was no memory for it and one failed. Asserts that. */
bool done(int error);

#endif
