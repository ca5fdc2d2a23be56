/*
 * test_kafka_protocol_frames.c - frames that are whole, cut, too long, or no frames at all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/draw.h"
#include "kafka/kafka_wire.h"
#include "support/kafka_peer.h"

/* A request of each kind that reaches every field it has. */
static const char *const samples[TEXT_API_COUNT] = {
    [TEXT_PRODUCE] = "topics[name=t partitions[index=0 records=@2; index=1 records=@1]]",
    [TEXT_FETCH] = "topics[name=t partitions[index=0 offset=0; index=1]; name=u "
                   "partitions[index=0]] forgotten[name=u partitions[0; 1]] rack=r",
    [TEXT_LIST_OFFSETS] = "topics[name=t partitions[index=0 time=-1; index=1 time=-2]]",
    [TEXT_METADATA] = "topics[t; unknown]",
    [TEXT_OFFSET_COMMIT] = "group=g topics[name=t partitions[index=0 offset=1 metadata=m]]",
    [TEXT_OFFSET_FETCH] = "group=g topics[name=t partitions[0; 7]]",
    [TEXT_FIND_COORDINATOR] = "key=g",
    [TEXT_JOIN] = "group=g protocols[name=range metadata=x; name=roundrobin metadata=y]",
    [TEXT_HEARTBEAT] = "group=g generation=1 member=m",
    [TEXT_LEAVE] = "group=g member=m members[id=m; id=n instance=i]",
    [TEXT_SYNC] = "group=g generation=1 member=m assignments[id=m bytes=b; id=n bytes=c]",
    [TEXT_DESCRIBE] = "groups[g; h] allowed=1",
    [TEXT_LIST] = "",
    [TEXT_VERSIONS] = "",
    [TEXT_CREATE] = "topics[name=v partitions=2 configs[name=max.message.bytes value=1000]; "
                    "name=w partitions=-1 replicas=-1 assignments[index=0 brokers[0]]]",
    [TEXT_DELETE] = "topics[t; unknown; t]",
};

static struct kafka_peer *peer_with_topic(void)
{
    struct kafka_peer *peer = kafka_peer_machine("");
    uint32_t c = kafka_peer_open(peer);
    assert_string_equal(kafka_peer_call(peer, c, TEXT_CREATE, 0, "topics[name=t partitions=2]"),
                        "topics[name=t error=0]");
    return peer;
}

static void every_request_is_answered_whole_in_every_version(void **state)
{
    (void)state;
    for (unsigned api = 0; api < TEXT_API_COUNT; api++) {
        for (int16_t version = 0; version <= kafka_texts[api].highest; version++) {
            struct kafka_peer *peer = peer_with_topic();
            uint32_t c = kafka_peer_open(peer);
            const char *answer =
                kafka_peer_call(peer, c, (enum kafka_text_api)api, version, samples[api]);
            if (strcmp(answer, "malformed") == 0 || strcmp(answer, "closed") == 0 ||
                strcmp(answer, "nothing") == 0)
                fail_msg("%s %d: %s", kafka_texts[api].name, version, answer);
            kafka_peer_free(peer);
        }
    }
}

static void send_cut(struct kafka_peer *peer, const struct kafka_bytes *frame, size_t length)
{
    uint32_t c = kafka_peer_open(peer);
    uint8_t *cut = malloc(length + 1); /* so that a read behind its end is found */
    assert_non_null(cut);
    memcpy(cut, frame->bytes, length);
    kafka_peer_send_raw(peer, c, cut, length);
    free(cut);
    assert_string_equal(kafka_peer_receive(peer, c, 0), "closed");
}

static uint64_t state_of(const struct bed *bed)
{
    struct digest d = {0};
    bed->ops->digest(bed->machine, &d);
    return d.state;
}

static void a_frame_cut_anywhere_closes_the_connection_and_changes_nothing(void **state)
{
    (void)state;
    for (unsigned api = 0; api < TEXT_API_COUNT; api++) {
        int16_t versions[] = {0, kafka_texts[api].highest};
        for (unsigned v = 0; v < 2; v++) {
            struct kafka_peer *peer = peer_with_topic();
            struct kafka_bytes frame = kafka_text_request(
                kafka_peer_names(peer), (enum kafka_text_api)api, versions[v], 1, samples[api]);
            struct bed *bed = kafka_peer_bed(peer);
            uint64_t before = state_of(bed);
            for (size_t length = 0; length < frame.length; length++) {
                if (length % 32 == 0 && length > 0) { /* connections are few */
                    kafka_peer_free(peer);
                    peer = peer_with_topic();
                    bed = kafka_peer_bed(peer);
                }
                bool is_bare = api == TEXT_LIST || (api == TEXT_VERSIONS && versions[v] == 0);
                if (is_bare && length >= 8 + 6)
                    break; /* what follows its header is nothing */
                send_cut(peer, &frame, length);
                assert_true(state_of(bed) == before);
            }
            kafka_bytes_free(&frame);
            kafka_peer_free(peer);
        }
    }
}

/* Every 4-byte stretch of a request once as a huge, a negative and a small count. */
static void numbers_that_lie_do_no_harm(void **state)
{
    (void)state;
    static const uint32_t lies[] = {INT32_MAX, UINT32_MAX, UINT32_MAX - 1, 0x00ffffff,
                                    1u << 31};
    for (unsigned api = 0; api < TEXT_API_COUNT; api++) {
        struct kafka_peer *peer = peer_with_topic();
        struct bed *bed = kafka_peer_bed(peer);
        struct kafka_bytes frame =
            kafka_text_request(kafka_peer_names(peer), (enum kafka_text_api)api,
                               kafka_texts[api].highest, 1, samples[api]);
        for (size_t at = 4; at + 4 <= frame.length; at++) {
            uint32_t kept = kafka_get_u32(frame.bytes + at);
            for (unsigned lie = 0; lie < sizeof lies / sizeof lies[0]; lie++) {
                struct message m = bed_message(bed, MSG_KAFKA_FRAME, NODE_HOST, ACTOR_MAIN_ID);
                m.corr = (uint32_t)(1000 + at * 8 + lie);
                kafka_put_u32(frame.bytes + at, lies[lie]);
                m.u.kafka_frame.bytes =
                    blob_new(bed->arena, ARENA_MESSAGE, frame.bytes, frame.length);
                bed_deliver(bed, &m);
                blob_free(bed->arena, m.u.kafka_frame.bytes);
                assert_true(bed_sent_count(bed, MSG_KAFKA_ANSWER) <= 1);
                bed_forget(bed);
            }
            kafka_put_u32(frame.bytes + at, kept);
        }
        assert_true(arena_used(bed->arena) < (size_t)8 << 20);
        kafka_bytes_free(&frame);
        kafka_peer_free(peer);
    }
}

static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    struct bed *bed = kafka_peer_bed(peer);
    uint64_t seed = 1;
    for (uint32_t round = 0; round < 20000; round++) {
        uint8_t bytes[160];
        size_t length = 8 + (seed = draw_mix(seed, round)) % (sizeof bytes - 8);
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)((seed = draw_mix(seed, i)) % 3 == 0 ? seed >> 8 : 0);
        bytes[0] = 0; /* an API and a version that may be */
        bytes[1] = (uint8_t)(seed >> 16) % 20;
        bytes[2] = 0;
        bytes[3] = (uint8_t)(seed >> 24) % 12;
        struct message m = bed_message(bed, MSG_KAFKA_FRAME, NODE_HOST, ACTOR_MAIN_ID);
        m.corr = 1000 + round;
        m.u.kafka_frame.bytes = blob_new(bed->arena, ARENA_MESSAGE, bytes, length);
        bed_deliver(bed, &m);
        blob_free(bed->arena, m.u.kafka_frame.bytes);
        bed_forget(bed);
        if (round % 100 == 0)
            bed_pass(bed, SEC(400));
        bed_forget(bed);
    }
    assert_true(arena_used(bed->arena) < (size_t)16 << 20);
    kafka_peer_free(peer);
}

/* The last array of a request, of the smallest elements it can have. */
static void the_smallest_elements_may_end_a_frame(void **state)
{
    static const struct {
        enum kafka_text_api api;
        int16_t version;
        const char *request, *answer;
    } cases[] = {
        {TEXT_OFFSET_FETCH, 0, "group=g topics[name=]", "topics[name= partitions[]]"},
        {TEXT_OFFSET_FETCH, 0, "group=g topics[name=t partitions[5]]",
         "topics[name=t partitions[index=5 offset=-1 metadata= error=0]]"},
        {TEXT_METADATA, 0, "topics[]", NULL},
        {TEXT_DESCRIBE, 0, "groups[]", "groups[]"},
        {TEXT_PRODUCE, 3, "topics[name=]", "topics[name= partitions[]]"},
        {TEXT_LIST_OFFSETS, 1, "topics[name=]", "topics[name= partitions[]]"},
        {TEXT_OFFSET_COMMIT, 0, "group=g topics[name=]", "topics[name= partitions[]]"},
        {TEXT_FETCH, 4, "topics[name=]", "topics[]"},
        {TEXT_LEAVE, 3, "group=g members[id=]",
         "error=0 members[id=none instance=null error=25]"},
    };
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *answer =
            kafka_peer_call(peer, c, cases[i].api, cases[i].version, cases[i].request);
        assert_string_equal(answer, cases[i].answer == NULL ? answer : cases[i].answer);
        assert_string_not_equal(answer, "closed");
    }
    kafka_peer_free(peer);
}

static void an_unknown_api_or_version_closes_the_connection(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    static const uint8_t unknown[] = {0, 99, 0, 0, 0, 0, 0, 1, 0xff, 0xff};
    uint32_t c = kafka_peer_open(peer);
    kafka_peer_send_raw(peer, c, unknown, sizeof unknown);
    assert_string_equal(kafka_peer_receive(peer, c, 0), "closed");
    for (unsigned api = 0; api < TEXT_API_COUNT; api++) {
        if (api == TEXT_VERSIONS)
            continue;
        c = kafka_peer_open(peer);
        assert_string_equal(kafka_peer_call(peer, c, (enum kafka_text_api)api,
                                            (int16_t)(kafka_texts[api].highest + 1),
                                            samples[api]),
                            "closed");
    }
    kafka_peer_free(peer);
}

static void api_versions_of_the_future_are_answered_in_version_0(void **state)
{
    (void)state;
    static const uint8_t frame[] = {0, 18, 0, 9, 0, 0, 0, 1, 0xff, 0xff, 0};
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer);
    kafka_peer_send(peer, c, TEXT_VERSIONS, 0, ""); /* correlation 1, to be read as version 0 */
    kafka_peer_send_raw(peer, c, frame, sizeof frame);
    assert_string_equal(kafka_peer_receive(peer, c, 0), "error=35 apis[key=18 min=0 max=3]");
    kafka_peer_free(peer);
}

static void the_versions_told_are_those_that_are_served(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer);
    const char *answer = kafka_peer_call(peer, c, TEXT_VERSIONS, 3, "");
    for (unsigned api = 0; api < TEXT_API_COUNT; api++) {
        char told[64];
        snprintf(told, sizeof told, "key=%d min=0 max=%d", kafka_texts[api].key,
                 kafka_texts[api].highest);
        if (strstr(answer, told) == NULL)
            fail_msg("%s is not in %s", told, answer);
    }
    assert_string_equal(kafka_peer_call(peer, c, TEXT_VERSIONS, 3, "software=-x"),
                        "error=42 apis[]");
    kafka_peer_free(peer);
}

static void a_castagnoli_sum_is_what_others_compute(void **state)
{
    (void)state;
    assert_int_equal(kafka_crc32c((const uint8_t *)"123456789", 9), 0xe3069283);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_is_answered_whole_in_every_version),
        cmocka_unit_test(a_frame_cut_anywhere_closes_the_connection_and_changes_nothing),
        cmocka_unit_test(numbers_that_lie_do_no_harm),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(the_smallest_elements_may_end_a_frame),
        cmocka_unit_test(an_unknown_api_or_version_closes_the_connection),
        cmocka_unit_test(api_versions_of_the_future_are_answered_in_version_0),
        cmocka_unit_test(the_versions_told_are_those_that_are_served),
        cmocka_unit_test(a_castagnoli_sum_is_what_others_compute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
