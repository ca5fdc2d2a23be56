#pragma once
/* wire_http_bed.h - what the tests of requests and of answers over HTTP share. */
#include "support/bed.h"
#include "wire/wire_http.h"
#include <string.h>

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, http_begin, http_end)

static struct bed *bed;
static struct wire wire;
static struct wire_http out;

static inline int http_begin(void **state)
{
    (void)state;
    bed = bed_new(NULL, BED_ETCD, NULL);
    wire = (struct wire){.cluster = &bed->cluster, .draws = &bed->draws};
    wire_http_clear(&out);
    return 0;
}

static inline int http_end(void **state)
{
    (void)state;
    wire_http_free(&out);
    bed_free(bed);
    return 0;
}

static inline struct wire_text text_of(const char *text)
{
    return (struct wire_text){text, strlen(text)};
}

static inline struct wire_text buffer_text(const struct wire_buffer *buffer)
{
    return (struct wire_text){buffer->bytes, buffer->length};
}

/* What was written, as it comes in. */
static inline struct wire_http_in in_of(const struct wire_http *http)
{
    return (struct wire_http_in){.method =
                                     http->method == NULL ? text_of("") : text_of(http->method),
                                 .path = buffer_text(&http->path),
                                 .headers = buffer_text(&http->headers),
                                 .body = buffer_text(&http->body),
                                 .status = http->status};
}

static inline struct message request_of(enum message_kind kind)
{
    return (struct message){.kind = (uint16_t)kind,
                            .from = BED_INVOKER1,
                            .to = BED_SCHEDULER0,
                            .from_actor = ACTOR(ACTOR_ACTIVATION_CLIENT, 3, 4),
                            .to_actor = ACTOR_MAIN_ID,
                            .corr = 77,
                            .cause = 4000000001u};
}

static inline struct activation sample_activation(void)
{
    return (struct activation){.id = ACTIVATION_ID(5, 1),
                               .revision = 2,
                               .started_at = TSTAMP_ORIGIN + SEC(1),
                               .action = BED_FAILS,
                               .ns = BED_GUEST,
                               .controller = BED_CONTROLLER0,
                               .blocking = 1};
}

static inline struct message invoke_request(void)
{
    struct message m = request_of(MSG_INVOKE);
    m.from = BED_EDGE;
    m.u.invoke.id = ACTIVATION_ID(21, 2);
    m.u.invoke.action = BED_FAILS;
    m.u.invoke.ns = BED_GUEST;
    m.u.invoke.blocking = 1;
    return m;
}

static inline struct message fetch_request(void)
{
    struct message m = request_of(MSG_FETCH);
    m.u.fetch.action = BED_HELLO;
    m.u.fetch.ns = BED_OTHER;
    m.u.fetch.revision = 9;
    m.u.fetch.container = 0x0000c1ff;
    m.u.fetch.duration_ms = 350;
    m.u.fetch.has_duration = 1;
    m.u.fetch.alive = 1;
    return m;
}
