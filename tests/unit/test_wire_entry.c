/*
 * test_wire_entry.c - records of topics: the texts of upstream, round trips, hostile bytes.
 */
#include "core/record.h"
#include "support/bed.h"
#include "wire/wire_entry.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_MS(ms) (TSTAMP_ORIGIN + MSEC(ms))

static struct bed *bed;
static struct wire wire;
static struct wire_buffer buffer;

static int begin(void **state)
{
    (void)state;
    bed = bed_new(NULL, BED_KAFKA, NULL);
    wire = (struct wire){.cluster = &bed->cluster, .draws = &bed->draws};
    wire_buffer_clear(&buffer);
    return 0;
}

static int end(void **state)
{
    (void)state;
    wire_buffer_free(&buffer);
    bed_free(bed);
    return 0;
}

/* ---- a record of every kind ---- */

struct sample {
    uint32_t topic;
    struct entry entry;
};

static struct entry activation_entry(action_id action, namespace_id ns, uint32_t revision)
{
    struct entry entry = {.kind = ENTRY_ACTIVATION};
    entry.u.activation = (struct activation){.id = ACTIVATION_ID(7, 1),
                                             .revision = revision,
                                             .started_at = AT_MS(1234),
                                             .action = action,
                                             .ns = ns,
                                             .controller = BED_CONTROLLER1,
                                             .blocking = 1};
    return entry;
}

/* As the topic of controller 1 would have it. */
static struct entry ack_entry(enum ack_kind kind, enum ack_instance instance, bool shrunk)
{
    struct entry entry = {.kind = ENTRY_ACK};
    bool has_record = kind != ACK_COMPLETION && !shrunk;
    struct ack *ack = &entry.u.ack;
    *ack = (struct ack){.id = ACTIVATION_ID(9, 0),
                        .kind = (uint8_t)kind,
                        .instance = (uint8_t)instance,
                        .signer = NODE_NONE,
                        .controller = BED_CONTROLLER1,
                        .action = has_record ? BED_FAILS : ACTION_NONE,
                        .ns = has_record ? BED_GUEST : NAMESPACE_NONE,
                        .shrunk = kind != ACK_COMPLETION && shrunk,
                        .run_ms = has_record ? 250 : 0};
    if (kind != ACK_RESULT && instance == ACK_BY_INVOKER)
        ack->signer = BED_INVOKER2;
    if (kind != ACK_RESULT && instance == ACK_BY_SCHEDULER)
        ack->signer = BED_SCHEDULER1;
    return entry;
}

static struct entry creation_entry(enum entry_kind kind, action_id action)
{
    struct entry entry = {.kind = (uint8_t)kind};
    bool is_system = action >= BED_ACTION_COUNT;
    entry.u.creation = (struct creation){.id = 0x01000007,
                                         .revision = is_system ? 0 : 3,
                                         .action = action,
                                         .ns = is_system ? NAMESPACE_SYSTEM : BED_GUEST,
                                         .scheduler = BED_SCHEDULER1,
                                         .invoker = BED_INVOKER2,
                                         .retry = 2};
    return entry;
}

static void add(struct sample *samples, uint32_t *count, uint32_t topic, struct entry entry)
{
    assert_true(*count < 128);
    samples[(*count)++] = (struct sample){topic, entry};
}

static void add_activations(struct sample *samples, uint32_t *count)
{
    uint32_t topic = TOPIC(TOPIC_SCHEDULER, 0);
    for (unsigned action = 0; action < BED_ACTION_COUNT; action++)
        add(samples, count, topic,
            activation_entry((action_id)action, bed->actions[action].ns, action));
    struct entry entry = activation_entry(BED_HELLO, BED_OTHER, 4000000000u);
    entry.u.activation.blocking = 0;
    add(samples, count, topic, entry);
    entry = activation_entry(ACTION_HEALTH_TEST, NAMESPACE_SYSTEM, 0);
    entry.u.activation.id = ACTIVATION_SYSTEM | 77;
    add(samples, count, topic, entry);
    entry = activation_entry(ACTION_WARM_UP, NAMESPACE_SYSTEM, 0);
    entry.kind = ENTRY_WARM_UP;
    entry.u.activation.id = 0;
    add(samples, count, topic, entry);
}

static void add_acks(struct sample *samples, uint32_t *count)
{
    uint32_t topic = TOPIC(TOPIC_COMPLETED, 1);
    for (unsigned kind = ACK_COMPLETION; kind <= ACK_COMBINED; kind++) {
        for (unsigned instance = 0; instance <= ACK_BY_SCHEDULER; instance++) {
            for (unsigned shrunk = 0; shrunk < 2; shrunk++) {
                if (kind == ACK_RESULT && instance != ACK_BY_INVOKER)
                    continue;
                struct entry entry =
                    ack_entry((enum ack_kind)kind, (enum ack_instance)instance, shrunk == 1);
                add(samples, count, topic, entry);
                if (kind != ACK_RESULT)
                    entry.u.ack.status = RESPONSE_WHISK_ERROR;
                add(samples, count, topic, entry);
            }
        }
    }
    for (unsigned error = 0; error < ERROR_TEXT_COUNT; error++) {
        struct entry entry = ack_entry(ACK_COMBINED, ACK_BY_INVOKER, false);
        entry.u.ack.error = (uint8_t)error;
        entry.u.ack.status = (uint8_t)(error % RESPONSE_COUNT);
        add(samples, count, topic, entry);
    }
}

static void add_creations(struct sample *samples, uint32_t *count)
{
    uint32_t topic = TOPIC(TOPIC_INVOKER, 2), acks = TOPIC(TOPIC_CREATION_ACK, 1);
    add(samples, count, topic, creation_entry(ENTRY_CREATION, BED_FAILS));
    add(samples, count, topic, creation_entry(ENTRY_CREATION, ACTION_HEALTH_TEST));
    add(samples, count, topic, creation_entry(ENTRY_WARM_UP, ACTION_WARM_UP));
    struct entry deletion = creation_entry(ENTRY_CREATION, BED_SLOW);
    deletion.u.creation.deletion = 1;
    deletion.u.creation.id = 0;
    deletion.u.creation.retry = 0;
    deletion.u.creation.scheduler = NODE_NONE;
    add(samples, count, topic, deletion);
    for (unsigned error = 0; error < CREATION_ERROR_COUNT; error++) {
        struct entry entry = creation_entry(ENTRY_CREATION_ACK, BED_HELLO);
        entry.u.creation.error = (uint8_t)error;
        add(samples, count, acks, entry);
    }
}

static uint32_t all_samples(struct sample samples[128])
{
    uint32_t count = 0;
    memset(samples, 0, 128 * sizeof samples[0]);
    add_activations(samples, &count);
    add_acks(samples, &count);
    add_creations(samples, &count);
    return count;
}

static struct entry read_text(uint32_t topic, const char *text)
{
    return wire_entry_read(&wire, topic, (struct wire_text){text, strlen(text)});
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct sample samples[128];
    uint32_t count = all_samples(samples);
    assert_true(count > 60);
    for (uint32_t i = 0; i < count; i++) {
        wire_buffer_clear(&buffer);
        wire_entry_write(&wire, &samples[i].entry, &buffer);
        struct entry again = read_text(samples[i].topic, buffer.bytes);
        if (memcmp(&again, &samples[i].entry, sizeof again) != 0)
            fail_msg("sample %u: %s", i, buffer.bytes);
    }
}

static void each_record_is_one_line(void **state)
{
    (void)state;
    struct sample samples[128];
    uint32_t count = all_samples(samples);
    for (uint32_t i = 0; i < count; i++) {
        wire_buffer_clear(&buffer);
        wire_entry_write(&wire, &samples[i].entry, &buffer);
        assert_null(strchr(buffer.bytes, '\n'));
        assert_int_equal(buffer.length, strlen(buffer.bytes));
    }
}

/* ---- exact texts ---- */

static void expect_text(const struct entry *entry, const char *format)
{
    char id[33], creation[33], revision[24], user[37], password[65];
    char expected[2048];
    cluster_activation_text(&bed->draws, entry->u.activation.id, id);
    cluster_creation_text(NULL, entry->u.creation.id, creation);
    key_print_revision(entry->u.activation.revision, revision, sizeof revision);
    cluster_credentials(&bed->cluster, BED_GUEST, user, password);
    struct {
        const char *name, *text;
    } names[] = {{"ID", id},
                 {"CREATION", creation},
                 {"REVISION", revision},
                 {"USER", user},
                 {"KEY", password}};
    size_t length = 0;
    for (const char *at = format; *at != '\0';) {
        const char *text = NULL;
        for (size_t i = 0; *at == '$' && i < sizeof names / sizeof names[0]; i++) {
            size_t size = strlen(names[i].name);
            if (strncmp(at + 1, names[i].name, size) == 0 && at[size + 1] == '$') {
                text = names[i].text;
                at += size + 2;
                break;
            }
        }
        if (text != NULL)
            length += (size_t)snprintf(expected + length, sizeof expected - length, "%s", text);
        else
            expected[length++] = *at == '\'' ? '"' : *at, at++;
    }
    expected[length] = '\0';
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, entry, &buffer);
    assert_string_equal(buffer.bytes, expected);
}

static void an_activation_has_the_text_of_upstream(void **state)
{
    (void)state;
    struct entry entry = activation_entry(BED_FAILS, BED_GUEST, 1);
    expect_text(&entry,
                "{'action':{'name':'fails','path':'guest/pack','version':'0.0.1'},"
                "'activationId':'$ID$','blocking':true,'content':{},'initArgs':[],"
                "'lockedArgs':{},'revision':'$REVISION$','rootControllerIndex':"
                "{'asString':'1','instanceType':'controller'},'transid':['$ID$',1700000001234],"
                "'user':{'authkey':{'api_key':'$USER$:$KEY$'},'limits':{},'namespace':"
                "{'name':'guest','uuid':'$USER$'},'rights':['READ','PUT','DELETE','ACTIVATE'],"
                "'subject':'guest'}}");
}

static void acks_have_the_texts_of_upstream(void **state)
{
    (void)state;
    struct entry entry = ack_entry(ACK_COMPLETION, ACK_BY_INVOKER, false);
    expect_text(&entry, "{'activationId':'$ID$','instance':{'dedicatedNamespaces':[],"
                        "'instance':2,'instanceType':'invoker','tags':[],'uniqueName':'2',"
                        "'userMemory':'1073741824 B'},'isSystemError':false,"
                        "'transid':['$ID$',1700000000000]}");
    entry = ack_entry(ACK_COMBINED, ACK_BY_PLACEHOLDER, true);
    entry.u.ack.status = RESPONSE_WHISK_ERROR;
    expect_text(&entry, "{'instance':{'dedicatedNamespaces':[],'instance':0,'instanceType':"
                        "'invoker','tags':[],'userMemory':'0 MB'},'isSystemError':true,"
                        "'response':'$ID$','transid':['$ID$',1700000000000]}");
    entry = ack_entry(ACK_COMPLETION, ACK_BY_SCHEDULER, false);
    expect_text(&entry, "{'activationId':'$ID$','instance':{'asString':'1'},"
                        "'isSystemError':false,'transid':['$ID$',1700000000000]}");
    entry = ack_entry(ACK_RESULT, ACK_BY_INVOKER, false);
    entry.u.ack.status = RESPONSE_APPLICATION_ERROR;
    entry.u.ack.error = ERROR_ACTION_ERROR;
    expect_text(
        &entry,
        "{'response':{'activationId':'$ID$','annotations':[{'key':'path','value':"
        "'guest/pack/fails'},{'key':'kind','value':'nodejs:20'},{'key':'timeout','value':"
        "false},{'key':'limits','value':{'concurrency':1,'logs':10,'memory':128,'timeout':"
        "60000}}],'duration':250,'end':1700000000250,'logs':[],'name':'fails','namespace':"
        "'guest','publish':false,'response':{'result':{'error':'The action answered with an "
        "error of its own.'},'statusCode':1},'start':1700000000000,'subject':'guest',"
        "'version':'0.0.1'},'transid':['$ID$',1700000000000]}");
}

static void creations_have_the_texts_of_upstream(void **state)
{
    (void)state;
    static const char metadata[] =
        "{'annotations':[],'exec':{'binary':false,'kind':'nodejs:20'},'limits':"
        "{'concurrency':1,'logs':10,'memory':256,'timeout':60000},'name':'hello','namespace':"
        "'guest','parameters':[],'publish':false,'updated':1700000000000,'version':'0.0.1'}";
    char text[1024];
    struct entry entry = creation_entry(ENTRY_CREATION, BED_HELLO);
    snprintf(text, sizeof text,
             "{'action':{'name':'hello','path':'guest','version':'0.0.1'},'creationId':"
             "'$CREATION$','invocationNamespace':'guest','retryCount':2,'revision':"
             "'$REVISION$','rootSchedulerIndex':{'asString':'1'},'rpcPort':13002,"
             "'schedulerHost':'scheduler1','transid':['sid_containerCreation',1700000000000],"
             "'whiskActionMetaData':%s}",
             metadata);
    expect_text(&entry, text);
    entry = creation_entry(ENTRY_CREATION_ACK, BED_HELLO);
    entry.u.creation.error = CREATION_RESOURCE_NOT_ENOUGH;
    snprintf(text, sizeof text,
             "{'action':{'name':'hello','path':'guest','version':'0.0.1'},'actionMetaData':%s,"
             "'creationId':'$CREATION$','error':'ResourceNotEnoughError',"
             "'invocationNamespace':'guest','reason':'ResourceNotEnoughError','retryCount':2,"
             "'revision':'$REVISION$','rootInvokerIndex':{'dedicatedNamespaces':[],'instance':"
             "2,'instanceType':'invoker','tags':[],'uniqueName':'2','userMemory':"
             "'1073741824 B'},'rpcPort':13002,'schedulerHost':'scheduler1','transid':"
             "['sid_containerCreation',1700000000000]}",
             metadata);
    expect_text(&entry, text);
}

static void wishes_and_labels_go_with_them(void **state)
{
    (void)state;
    static const char tags[2][TAG_MAX] = {"gpu", "disk"};
    static const struct labels labels[2] = {
        {0}, {.tags = 3, .dedicated_count = 2, .dedicated = {BED_GUEST, BED_OTHER}}};
    bed->cluster.tags = tags;
    bed->cluster.tag_count = 2;
    bed->cluster.labels = labels;
    bed->cluster.label_count = 2;
    bed->nodes[BED_INVOKER2].labels = 1;
    bed->actions[BED_HELLO].resources = 3;
    struct entry entry = creation_entry(ENTRY_CREATION, BED_HELLO);
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, &entry, &buffer);
    assert_non_null(strstr(buffer.bytes, "{\"annotations\":[{\"key\":\"invoker-resources\","
                                         "\"value\":[\"gpu\",\"disk\"]}],\"exec\""));
    bed->actions[BED_HELLO].resources = 2;
    bed->actions[BED_HELLO].lax_resources = true;
    entry.kind = ENTRY_CREATION_ACK;
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, &entry, &buffer);
    assert_non_null(strstr(buffer.bytes,
                           "\"annotations\":[{\"key\":\"invoker-resources\",\"value\":"
                           "[\"disk\"]},{\"key\":\"invoker-resources-strict-policy\","
                           "\"value\":false}],\"exec\""));
    assert_non_null(strstr(buffer.bytes,
                           "{\"dedicatedNamespaces\":[\"guest\",\"other\"],\"instance\":2,"
                           "\"instanceType\":\"invoker\",\"tags\":[\"gpu\",\"disk\"],"));
}

/* ---- what others may write ---- */

static void a_foreign_spelling_is_read(void **state)
{
    (void)state;
    char id[33], text[1024];
    cluster_activation_text(&bed->draws, ACTIVATION_ID(7, 1), id);
    snprintf(text, sizeof text,
             " { \"transid\" : [\"x\\u0041\", 1700000001234, true, [\"p\", 1]],\n"
             "\"action\":\"guest/pack/fails\", \"revision\":null, \"extra\":[{}],\n"
             "\"user\":{\"subject\":\"s\",\"namespace\":{\"name\":\"gu\\u0065st\"},"
             "\"authkey\":{},\"rights\":[]},\"activationId\":\"%s\","
             "\"rootControllerIndex\":{\"asString\":\"7\"},\"blocking\":false,"
             "\"initArgs\":[\"a\"],\"lockedArgs\":{\"a\":\"b\"},\"content\":[1]} ",
             id);
    struct entry entry = read_text(TOPIC(TOPIC_SCHEDULER, 0), text);
    assert_int_equal(entry.kind, ENTRY_ACTIVATION);
    assert_int_equal(entry.u.activation.action, BED_FAILS);
    assert_int_equal(entry.u.activation.ns, BED_GUEST);
    assert_int_equal(entry.u.activation.controller, NODE_NONE);
    assert_int_equal(entry.u.activation.started_at, AT_MS(1234));
    assert_int_equal(entry.u.activation.revision, 0);
}

static struct entry read_changed(const struct sample *sample, const char *from, const char *to)
{
    char text[2048];
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, &sample->entry, &buffer);
    const char *at = strstr(buffer.bytes, from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - buffer.bytes), buffer.bytes, to,
             at + strlen(from));
    return read_text(sample->topic, text);
}

static void what_upstream_refuses_is_unparsable(void **state)
{
    (void)state;
    struct sample a = {TOPIC(TOPIC_SCHEDULER, 0), activation_entry(BED_HELLO, BED_GUEST, 1)};
    struct sample k = {TOPIC(TOPIC_COMPLETED, 1), ack_entry(ACK_COMBINED, 0, false)};
    struct sample c = {TOPIC(TOPIC_INVOKER, 2), creation_entry(ENTRY_CREATION, BED_HELLO)};
    struct sample r = {TOPIC(TOPIC_CREATION_ACK, 1),
                       creation_entry(ENTRY_CREATION_ACK, BED_HELLO)};
    r.entry.u.creation.error = CREATION_WHISK;
    static const char *const activation[][2] = {
        {"\"blocking\":true", "\"blocking\":1"},
        {"\"initArgs\":[],", ""},
        {"\"lockedArgs\":{},", ""},
        {"\"transid\"", "\"x\""},
        {"\"instanceType\":\"controller\"", "\"instanceType\":\"invoker\""},
        {"\"name\":\"hello\"", "\"name\":\"nobody\""},
        {"\"revision\":\"1-", "\"revision\":\"2-"},
        {"\"activationId\":\"", "\"activationId\":\"f"},
        {"\"name\":\"guest\"", "\"name\":\"gue\\u0000st\""},
    };
    for (size_t i = 0; i < sizeof activation / sizeof activation[0]; i++) {
        struct entry entry = read_changed(&a, activation[i][0], activation[i][1]);
        if (entry.kind != ENTRY_UNPARSABLE)
            fail_msg("%s is read", activation[i][1]);
    }
    assert_int_equal(read_changed(&k, "\"isSystemError\":false", "\"isSystemError\":0").kind,
                     ENTRY_UNPARSABLE);
    assert_int_equal(read_changed(&k, "\"statusCode\":0", "\"statusCode\":4").kind,
                     ENTRY_UNPARSABLE);
    assert_int_equal(read_changed(&k, "\"logs\":[],", "").kind, ENTRY_UNPARSABLE);
    assert_int_equal(read_changed(&k, "\"invoker\"", "\"scheduler\"").kind, ENTRY_UNPARSABLE);
    assert_int_equal(read_changed(&k, "\"isSystemError\":false,", "").kind, ENTRY_ACK);
    assert_int_equal(read_changed(&c, "\"retryCount\":2", "\"retryCount\":-2").kind,
                     ENTRY_UNPARSABLE);
    assert_int_equal(read_changed(&c, "\"creationId\":\"", "\"creationId\":\"0").kind,
                     ENTRY_UNPARSABLE);
    assert_int_equal(read_changed(&r, "\"error\":\"WhiskError\"", "\"error\":\"Odd\"").kind,
                     ENTRY_UNPARSABLE);
    assert_int_equal(read_changed(&r, "\"error\":\"WhiskError\"", "\"error\":\"whiskerror\"")
                         .u.creation.error,
                     CREATION_WHISK);
}

static void a_creation_without_an_id_is_a_deletion(void **state)
{
    (void)state;
    struct sample c = {TOPIC(TOPIC_INVOKER, 2), creation_entry(ENTRY_CREATION, BED_HELLO)};
    struct entry entry = read_changed(&c, "\"creationId\"", "\"creationid\"");
    assert_int_equal(entry.kind, ENTRY_CREATION);
    assert_int_equal(entry.u.creation.deletion, 1);
}

static void an_unreadable_transaction_is_as_old_as_can_be(void **state)
{
    (void)state;
    struct sample a = {TOPIC(TOPIC_SCHEDULER, 0), activation_entry(BED_HELLO, BED_GUEST, 1)};
    struct entry entry = read_changed(&a, ",1700000001234]", ",\"now\"]");
    assert_int_equal(entry.kind, ENTRY_ACTIVATION);
    assert_int_equal(entry.u.activation.started_at, 0);
    entry = read_changed(&a, ",1700000001234]", ",9223372036854775807]");
    assert_true(entry.u.activation.started_at < TSTAMP_NEVER / 2);
    assert_true(entry.u.activation.started_at > SEC(86400));
}

/* ---- hostile ---- */

static void a_cut_record_is_never_half_read(void **state)
{
    (void)state;
    struct sample samples[128];
    uint32_t count = all_samples(samples);
    for (uint32_t i = 0; i < count; i++) {
        wire_buffer_clear(&buffer);
        wire_entry_write(&wire, &samples[i].entry, &buffer);
        for (size_t length = 0; length < buffer.length; length++) {
            char *cut = malloc(length + 1); /* of its own, so that reading past it shows */
            assert_non_null(cut);
            memcpy(cut, buffer.bytes, length);
            struct entry entry =
                wire_entry_read(&wire, samples[i].topic, (struct wire_text){cut, length});
            struct entry unparsable = {.kind = ENTRY_UNPARSABLE, .not_json = 1};
            assert_memory_equal(&entry, &unparsable, sizeof entry);
            free(cut);
        }
    }
}

/* ---- topics ---- */

static void topics_have_their_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "completed",
                                      "completed2",
                                      "invoker3",
                                      "invoker-1",
                                      "scheduler00",
                                      "creationAck 0",
                                      "health",
                                      "completed0x",
                                      "invoker4294967296"};
    static const struct {
        const char *text;
        uint32_t topic;
    } good[] = {{"completed1", TOPIC(TOPIC_COMPLETED, 1)},
                {"scheduler0", TOPIC(TOPIC_SCHEDULER, 0)},
                {"creationAck1", TOPIC(TOPIC_CREATION_ACK, 1)},
                {"invoker2", TOPIC(TOPIC_INVOKER, 2)}};
    uint32_t topic = 0;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct wire_text text = {good[i].text, strlen(good[i].text)};
        assert_true(wire_topic_read(&bed->cluster, text, &topic));
        assert_int_equal(topic, good[i].topic);
        wire_buffer_clear(&buffer);
        wire_topic_write(topic, &buffer);
        assert_string_equal(buffer.bytes, good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wire_text text = {bad[i], strlen(bad[i])};
        assert_false(wire_topic_read(&bed->cluster, text, &topic));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read_back, begin, end),
        cmocka_unit_test_setup_teardown(each_record_is_one_line, begin, end),
        cmocka_unit_test_setup_teardown(an_activation_has_the_text_of_upstream, begin, end),
        cmocka_unit_test_setup_teardown(acks_have_the_texts_of_upstream, begin, end),
        cmocka_unit_test_setup_teardown(creations_have_the_texts_of_upstream, begin, end),
        cmocka_unit_test_setup_teardown(wishes_and_labels_go_with_them, begin, end),
        cmocka_unit_test_setup_teardown(a_foreign_spelling_is_read, begin, end),
        cmocka_unit_test_setup_teardown(what_upstream_refuses_is_unparsable, begin, end),
        cmocka_unit_test_setup_teardown(a_creation_without_an_id_is_a_deletion, begin, end),
        cmocka_unit_test_setup_teardown(an_unreadable_transaction_is_as_old_as_can_be, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_cut_record_is_never_half_read, begin, end),
        cmocka_unit_test_setup_teardown(topics_have_their_names, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
