/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool make_room(struct sim_text *text, size_t n)
{
	size_t cap = text->cap ? text->cap : 256;
	char *data;

	if (text->failed)
		return false;
	if (n <= text->cap - text->len)
		return true;
	if (n > SIZE_MAX / 2 - text->len) {
		text->failed = true;
		return false;
	}
	while (cap - text->len < n)
		cap *= 2;
	data = realloc(text->data, cap);
	if (!data) {
		text->failed = true;
		return false;
	}
	text->data = data;
	text->cap = cap;
	return true;
}

void sim_text_bytes(struct sim_text *text, const void *bytes, size_t n)
{
	if (n == 0 || !make_room(text, n))
		return;
	memcpy(text->data + text->len, bytes, n);
	text->len += n;
}

void sim_text_str(struct sim_text *text, const char *str)
{
	sim_text_bytes(text, str, strlen(str));
}

void sim_text_char(struct sim_text *text, char c)
{
	sim_text_bytes(text, &c, 1);
}

void sim_text_number(struct sim_text *text, int64_t number)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRId64, number);

	sim_text_bytes(text, digits, (size_t)n);
}

static void escape(struct sim_text *text, unsigned char c)
{
	char code[8];
	int n;

	if (c == '"' || c == '\\')
		n = snprintf(code, sizeof(code), "\\%c", c);
	else if (c == '\n')
		n = snprintf(code, sizeof(code), "\\n");
	else
		n = snprintf(code, sizeof(code), "\\u%04x", c);
	sim_text_bytes(text, code, (size_t)n);
}

void sim_text_quoted(struct sim_text *text, const char *str)
{
	const char *plain = str;

	sim_text_char(text, '"');
	for (; *str; str++) {
		unsigned char c = (unsigned char)*str;

		if (c >= ' ' && c != '"' && c != '\\' && c != 0x7f)
			continue;
		sim_text_bytes(text, plain, (size_t)(str - plain));
		escape(text, c);
		plain = str + 1;
	}
	sim_text_bytes(text, plain, (size_t)(str - plain));
	sim_text_char(text, '"');
}

void sim_text_time(struct sim_text *text, int64_t us)
{
	int64_t fraction = us % 1000000;
	time_t seconds = (time_t)(us / 1000000);
	char stamp[80];
	struct tm tm;
	int n;

	if (fraction < 0) {
		fraction += 1000000;
		seconds--;
	}
	if (!gmtime_r(&seconds, &tm)) {
		sim_text_str(text, "null");
		return;
	}
	n = snprintf(stamp, sizeof(stamp), "\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"",
		     tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		     (int)fraction);
	sim_text_bytes(text, stamp, (size_t)n);
}

int sim_text_error(const struct sim_text *text)
{
	return text->failed ? -ENOMEM : 0;
}

char *sim_text_take(struct sim_text *text)
{
	char *data = NULL;

	sim_text_char(text, '\0');
	if (!text->failed) {
		data = text->data;
		text->data = NULL;
	}
	sim_text_finish(text);
	return data;
}

void sim_text_finish(struct sim_text *text)
{
	free(text->data);
	*text = (struct sim_text){0};
}
