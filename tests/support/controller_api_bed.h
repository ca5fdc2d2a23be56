#pragma once
/*
 * controller_api_bed.h - a controller whose public API is asked, and a database's documents
 * and records that answer it.
 */
#include "support/controller_bed.h"
#include "database/database.h"
#include "database/documents.h"
#include "database/recent.h"

struct api_bed {
    struct bed *bed;
    struct documents documents; /* the real ones, without their machine */
    struct recent recent;
    struct database_config database;
    uint32_t answered; /* DOCUMENT_CALLs of the log that were */
    uint32_t replied;  /* replies that were in the log before the last request */
    const char *more;  /* further header lines of requests, or NULL */
};

/* guest/hello is known and its queue's leader is scheduler 0; the log is empty. */
struct api_bed api_bed_new(void);
void api_bed_free(struct api_bed *self);
void api_forget(struct api_bed *self);

/* A request of guest's with X-Request-ID t1, JSON if it has a body. */
void api(struct api_bed *self, enum http_method method, const char *target, const char *body);
/* The same with these header lines and no others. */
void api_with(struct api_bed *self, enum http_method method, const char *target,
              const char *headers, const char *body);
const char *api_credentials(struct api_bed *self, namespace_id ns); /* static storage */
/* Answer what waits for documents, until nothing does. */
void api_settle(struct api_bed *self);
void api_store(struct api_bed *self, const struct record_document *record);

/* The one reply since the last request: status and body, byte for byte. */
void expect_api(struct api_bed *self, unsigned status, const char *body);
/* {"code":"t1","error":text} */
void expect_api_error(struct api_bed *self, unsigned status, const char *text);
/* Its body begins like this. */
void expect_api_begins(struct api_bed *self, unsigned status, const char *body);
/* It is 200, and this is a part of its body. */
void expect_api_part(struct api_bed *self, const char *part);
/* Its headers have this text in them, or not. */
void expect_api_header(struct api_bed *self, const char *text, bool is_there);
/* The n-th call in the log for guest's documents. */
void expect_document_call(struct api_bed *self, uint32_t n, enum document_op op,
                          action_id action, uint32_t revision);
/* A POST, and Kafka's answer to the message that it led to. */
void api_published(struct api_bed *self, const char *target, const char *body);
