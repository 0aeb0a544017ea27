/* SPDX-License-Identifier: MIT */
/* capture: what is written to stderr for a while. */
#ifndef PINEFS_CAPTURE_H
#define PINEFS_CAPTURE_H

#include "pinefs/log.h"

struct capture {
	int saved;
	int file;
	char text[3 * PFS_LOG_LINE];
};

/* From now on stderr goes to a file. */
void capture_begin(struct capture *capture);

/* Back again. What was written, in capture->text. */
const char *capture_end(struct capture *capture);

#endif
