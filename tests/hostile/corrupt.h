/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Corrupt blobs, made systematically from good ones, each with what must
 * become of it: refused by a message that names the field, or read with
 * damage in known places and nowhere else.
 */
#ifndef HOSTILE_CORRUPT_H
#define HOSTILE_CORRUPT_H

#include "tests/unit/blob-builder.h"

#define CORRUPT_MAX_DAMAGE	16

/* A good layer and the blob around it. */
struct good {
	const char *name;
	struct layer_spec layer_spec;
	const struct zfile_spec *zfile;	/* NULL: not compressed */
	bool tar, pax;
	struct buffer layer;
	struct buffer blob;
	size_t start;			/* of the blob behind the tar headers */
	size_t size;			/* of the blob there */
};

/* Ranges of the virtual disk that need not read as the good copy does. */
struct damage {
	unsigned int nr;
	struct {
		u64 offset, len;	/* bytes */
	} ranges[CORRUPT_MAX_DAMAGE];
	bool fails;			/* reading them must fail */
	u64 virtual_size;		/* 0: that of the good copy */
};

/**
 * emit_refused - a blob that must not open
 * @good: what it was made from
 * @blob: the blob
 * @message: regular expression that its message must match
 * @fmt: its name, printf format
 */
void emit_refused(const struct good *good, const struct buffer *blob,
		  const char *message, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * emit_read - a blob that opens, and reads as the good copy but for damage
 * @good: what it was made from
 * @blob: the blob
 * @damage: NULL for none
 * @fmt: its name, printf format
 */
void emit_read(const struct good *good, const struct buffer *blob,
	       const struct damage *damage, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * emit_length - the good blob, under a wrong length
 * @good: the blob
 * @bytes: length that the table claims
 * @message: NULL if it must read as the good copy does
 * @name: its name
 */
void emit_length(const struct good *good, u64 bytes, const char *message,
		 const char *name);

/* Wrap a layer as the good one is, which may be corrupt by now. */
void wrap_layer(struct buffer *out, const struct good *good,
		const struct buffer *layer);

/* The virtual ranges that bytes [@from, @to) of the layer serve. */
void damage_layer(struct damage *damage, const struct good *good, u64 from,
		  u64 to);

/* The block of a ZFile that holds the beginning of the layer's trailer. */
u32 trailer_block(const struct good *good);

/* A number in a structure. */
struct field {
	const char *name;
	size_t at, width;	/* bytes; at most 8 of a text are changed */
};

#define FIELD(type, member) \
	#member, offsetof(struct type, member), \
	sizeof(((struct type *)0)->member)

u64 get_field(const u8 *raw, const struct field *field);
void put_field(u8 *raw, const struct field *field, u64 value);

/**
 * sweep_value - the values that every field is tried with
 * @field: the field
 * @old: its value
 * @i: below NR_SWEEP: 0, 1, the largest, one more than @old, one less
 * @label: what to call it
 * @value: the value
 *
 * Return: false if that is @old or came before.
 */
#define NR_SWEEP	5
bool sweep_value(const struct field *field, u64 old, unsigned int i,
		 const char **label, u64 *value);

void corrupt_lsmt(const struct good *good);
void corrupt_zfile(const struct good *good);
void corrupt_blocks(const struct good *good);
void corrupt_tar(const struct good *good);
void corrupt_length(const struct good *good);

#endif
