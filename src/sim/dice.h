/* SPDX-License-Identifier: MIT */
/*
 * dice: chance that repeats itself.
 *
 * Everything that looks random in the simulator is a pure function of the
 * seed, of a number (which job, which request) and of a salt (which property
 * of it), so any of it can be computed again when it is asked for and nothing
 * has to be stored. No state, no I/O.
 */
#ifndef SIM_DICE_H
#define SIM_DICE_H

#include <stdint.h>

/* Length of a UUID's text with its terminator. */
#define SIM_UUID_SIZE 37

/* What a roll is for. Equal seed and number with another salt are unrelated. */
enum sim_salt {
	SIM_SALT_JOB = 1,
	SIM_SALT_BACKUP,
	SIM_SALT_INDEX,
	SIM_SALT_NAME,
	SIM_SALT_TIME,
	SIM_SALT_HABIT,
	SIM_SALT_ADDED,
	SIM_SALT_INVENTED,
	SIM_SALT_REQUEST,
	SIM_SALT_INDEX_NAME,
	SIM_SALT_CONTENTS,
	SIM_SALT_BACKUP_ADDED,
	SIM_SALT_BACKUP_INVENTED,
	SIM_SALT_INDEX_ADDED,
	SIM_SALT_BACKUP_TIME,
	SIM_SALT_COLLECTION,
};

/* 64 even bits. */
uint64_t sim_dice_roll(uint64_t seed, uint64_t number, enum sim_salt salt);

/* A UUIDv4 in lower case, terminated. */
void sim_dice_uuid(uint64_t seed, uint64_t number, enum sim_salt salt, char ret_id[SIM_UUID_SIZE]);

#endif
