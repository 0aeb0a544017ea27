/* SPDX-License-Identifier: MIT */
/*
 * command: the calls that make or delete something.
 *
 * A row a command. Whatever is wrong with a request is answered with the
 * service's own error code, and then nothing has been changed.
 */
#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

#include "reply.h"
#include "world.h"

/* Largest body, in bytes. */
#define SIM_COMMAND_BODY_MAX ((size_t)1024 * 1024)

struct sim_order {
	struct sim_world *world;
	const char *id; /* of the object whose path it is */
	const struct sim_text *body;
	enum sim_version version;
	int64_t now_us;
	struct sim_reply *reply;
};

struct sim_command_key;

/* Its path is that of an object of the kind, /kind/{id}, and the suffix. */
struct sim_command {
	const char *name; /* its figure in /_sim/requests */
	const char *method;
	unsigned int kind;
	const char *suffix;
	const struct sim_command_key *keys; /* that its body may have; NULL: it has no body */

	/* Carry it out on the object in @slot; @body has the keys. */
	int (*run)(const struct sim_order *order, uint32_t slot, const cJSON *body);
};

enum { SIM_CREATE_INDEX, SIM_CREATE_BACKUP, SIM_DELETE_BACKUP, SIM_DELETE_INDEX, SIM_COMMANDS };

extern const struct sim_command sim_commands[SIM_COMMANDS];

/* The number of the command that is asked for after /kind/, or -ENOENT. */
int sim_command_find(const char *method, unsigned int kind, const char *rest);

/* Carry out a command and write its answer. Returns -ENOMEM, -E2BIG. */
int sim_command_answer(const struct sim_command *command, const struct sim_order *order);

#endif
