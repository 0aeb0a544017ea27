/* SPDX-License-Identifier: MIT */
/*
 * text: bytes that grow.
 *
 * Every answer of the simulator is written into one of these. A failed
 * allocation sticks: later additions do nothing, and the writer asks once, at
 * the end, whether all of it is there. Knows nothing of jobs or of HTTP.
 */
#ifndef SIM_TEXT_H
#define SIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_text {
	char *data; /* not terminated; NULL while nothing was added */
	size_t len;
	size_t cap;
	bool failed; /* an addition was lost for want of memory */
};

/* Append @n bytes. */
void sim_text_bytes(struct sim_text *text, const void *bytes, size_t n);

/* Append a C string without its end, one byte, or a number in decimal. */
void sim_text_str(struct sim_text *text, const char *str);
void sim_text_char(struct sim_text *text, char c);
void sim_text_number(struct sim_text *text, int64_t number);

/*
 * Append @str as a JSON string, quotes included. Control characters are
 * escaped; bytes from 0x80 on are taken for UTF-8 and passed on as they are.
 */
void sim_text_quoted(struct sim_text *text, const char *str);

/*
 * Append @us (microseconds since the epoch) as a quoted RFC 3339 time stamp in
 * UTC with six fraction digits, the form that the real service uses.
 */
void sim_text_time(struct sim_text *text, int64_t us);

/* 0, or -ENOMEM if anything was lost. */
int sim_text_error(const struct sim_text *text);

/*
 * The text as a terminated string that the caller frees; the text is empty
 * afterwards. NULL if anything was lost.
 */
char *sim_text_take(struct sim_text *text);

/* Free the bytes; the text is empty and usable again. */
void sim_text_finish(struct sim_text *text);

#endif
