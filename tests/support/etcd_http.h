#pragma once
/*
 * etcd_http.h - the JSON gateway of an etcd machine on a bed, as a client on a socket sees it.
 *
 * In expected texts `H(n)` stands for the header of an answer at revision n in the machine's
 * first incarnation, `H()` for one without a revision.
 */
#include "support/etcd_bed.h"

#define ETCD_HTTP_CORR 77u

/* A POST from outside of the cluster; corr: the client's, for streams. */
void etcd_http_post(struct bed *bed, const char *path, const char *body, uint32_t corr);
/* The client is gone. */
void etcd_http_close(struct bed *bed, uint32_t corr);
/* POST with ETCD_HTTP_CORR; the one answer is exactly this. */
void etcd_http_expect(struct bed *bed, const char *path, const char *body, unsigned status,
                      const char *expected);
/* The last answer with this corr since bed_forget; fails the test if there is none. */
const struct message *etcd_http_reply(const struct bed *bed, uint32_t corr);
/* All lines sent to this corr since bed_forget, joined; `last` of a chunk shows as "END". */
void etcd_http_expect_lines(struct bed *bed, uint32_t corr, const char *expected);
/* Static storage; holds until the next call but one. */
const char *etcd_http_expand(const char *text);
