/* SPDX-License-Identifier: MIT */
#include "short_memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_vasprintf(char **ret_string, const char *format, va_list arguments);
ssize_t __real_getline(char **line, size_t *size, FILE *file);
void __real_free(void *memory);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
char *__wrap_strdup(const char *string);
char *__wrap_strndup(const char *string, size_t length);
int __wrap_asprintf(char **ret_string, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int __wrap___asprintf_chk(char **ret_string, int flag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int __wrap_vasprintf(char **ret_string, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
int __wrap___vasprintf_chk(char **ret_string, int flag, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));
ssize_t __wrap_getline(char **line, size_t *size, FILE *file);
ssize_t __wrap___getdelim(char **line, size_t *size, int delimiter, FILE *file);
void __wrap_free(void *memory);

static long until;    /* allocations until one fails; 0: none will */
static bool for_ever; /* and all that follow fail, too */
static bool struck;
static bool paused;
static long held; /* allocations not yet given back */

static bool fails(void)
{
	if (paused)
		return false;
	if (struck && for_ever)
		return true;
	if (until == 0 || --until > 0)
		return false;
	struck = true;
	return true;
}

static void *count(void *memory)
{
	held += memory != NULL;
	return memory;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : count(__real_calloc(n, size));
}

void *__wrap_realloc(void *memory, size_t size)
{
	void *moved = fails() ? NULL : __real_realloc(memory, size);

	held += moved != NULL && memory == NULL;
	return moved;
}

void *__wrap_reallocarray(void *memory, size_t n, size_t size)
{
	return __wrap_realloc(memory, n * size);
}

char *__wrap_strdup(const char *string)
{
	size_t size = strlen(string) + 1;
	char *copy = __wrap_malloc(size);

	return copy ? memcpy(copy, string, size) : NULL;
}

char *__wrap_strndup(const char *string, size_t length)
{
	size_t size = strnlen(string, length);
	char *copy = __wrap_malloc(size + 1);

	if (!copy)
		return NULL;
	copy[size] = '\0';
	return memcpy(copy, string, size);
}

int __wrap_vasprintf(char **ret_string, const char *format, va_list arguments)
{
	int length = -1;

	if (fails())
		*ret_string = (char *)1; /* what it leaves there isn't to be used */
	else
		length = __real_vasprintf(ret_string, format, arguments);
	held += length >= 0;
	return length;
}

int __wrap_asprintf(char **ret_string, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = __wrap_vasprintf(ret_string, format, arguments);
	va_end(arguments);
	return length;
}

/* What these are called where the headers fortify: asprintf is the first, or calls the second. */
int __wrap___asprintf_chk(char **ret_string, int flag, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = __wrap_vasprintf(ret_string, format, arguments);
	va_end(arguments);
	return length;
}

int __wrap___vasprintf_chk(char **ret_string, int flag, const char *format, va_list arguments)
{
	return __wrap_vasprintf(ret_string, format, arguments);
}

ssize_t __wrap_getline(char **line, size_t *size, FILE *file)
{
	bool had = *line != NULL;
	ssize_t length = fails() ? -1 : __real_getline(line, size, file);

	held += !had && *line;
	return length;
}

/* What it is called where the headers have getline inline; nobody asks for more than lines. */
ssize_t __wrap___getdelim(char **line, size_t *size, int delimiter, FILE *file)
{
	return __wrap_getline(line, size, file);
}

void __wrap_free(void *memory)
{
	held -= memory != NULL;
	__real_free(memory);
}

void short_memory_pause(bool pause)
{
	paused = pause;
}

void short_memory_adopt(void)
{
	held++;
}

bool short_memory_struck(void)
{
	return struck;
}

bool done(int error)
{
	if (error && error != -ENOMEM)
		fail_msg("%s", strerror(-error));
	if (error)
		assert_true(struck);
	return !error;
}

void short_memory_parse(const char *text, struct pfs_json *ret_json)
{
	bool was_paused = paused;

	paused = true;
	assert_int_equal(pfs_json_parse(text, strlen(text), PFS_JSON_DEPTH, ret_json), 0);
	paused = was_paused;
}

static bool run_once(void (*scenario)(void *arg), void *arg, long n)
{
	long before = held;

	struck = false;
	paused = false;
	until = n;
	scenario(arg);
	until = 0;
	if (held != before)
		fail_msg("failure of allocation %ld: %ld left", n, held - before);
	return struck;
}

void short_memory_run(void (*scenario)(void *arg), void *arg)
{
	long n = 1;

	while (run_once(scenario, arg, n)) {
		for_ever = true;
		(void)run_once(scenario, arg, n);
		for_ever = false;
		n++;
	}
	assert_true(n > 1); /* else there was nothing to try */
}
