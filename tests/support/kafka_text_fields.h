#pragma once
/*
 * kafka_text_fields.h - the table in kafka_text.c, field by field: for those that write a
 * request and read an answer along it.
 */
#include "support/kafka_text.h"

struct kafka_field {
    const char *name;
    size_t name_length;
    char type; /* '[': array */
    const char *inner;
    int since, until;
    int64_t number; /* default */
    const char *text;
    size_t text_length;
};

/* The next field, and where to go on; NULL at the end of the table or of the array's elements.
 */
const char *kafka_field_next(const char *at, struct kafka_field *field);
bool kafka_field_is_in(const struct kafka_field *field, int16_t version);
/* The bracket that ends what starts here, behind its opening one. */
const char *kafka_field_closing(const char *at);
