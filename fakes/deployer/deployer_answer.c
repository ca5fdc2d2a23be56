/*
 * deployer_answer.c - what an answer means to the step that waits for it.
 *
 * A condition that does not hold repeats the request: N retries are N + 1 requests and N
 * pauses. One that holds ends the repetition; then a status that does not count as an answer
 * still fails the step. JSON that cannot be read fails at once, without the retries.
 * Source: ansible-core 2.14 executor/task_executor.py (until, retries), modules/uri.py.
 */
#include "deployer/deployer_internal.h"
#include "core/assert.h"
#include "core/json.h"

#define TEXT_SIZE 256

struct answer { /* of uri: status 0 stands for its -1, with an empty body */
    uint16_t status;
    const char *body;
    size_t length;
    bool is_json; /* by content type: only then the module reads it */
};

enum verdict { VERDICT_YES, VERDICT_NO, VERDICT_ERROR };

/* `json | length > 0`: members, elements or characters; a number has no length. */
static enum verdict judge_json(const struct answer *a)
{
    char text[2];
    struct json_in json = json_in_parse(a->body, a->length);
    if (!a->is_json)
        return VERDICT_ERROR;
    switch (json.kind) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return json_in_count(json) > 0 ? VERDICT_YES : VERDICT_NO;
    case JSON_STRING:
        return json_in_string(json, text, 1) ? VERDICT_NO : VERDICT_YES;
    case JSON_INVALID:
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
        return VERDICT_ERROR;
    }
    return VERDICT_ERROR;
}

static enum verdict judge_one(const struct deployer *self, const struct deploy_host *host,
                              const struct until *until, const struct answer *a)
{
    char text[TEXT_SIZE] = "";
    bool holds = false;
    if (until->text != NULL)
        step_expand(self, host, until->text, text, sizeof text);
    switch ((enum until_kind)until->kind) {
    case UNTIL_STATUS:
        holds = a->status == until->status;
        break;
    case UNTIL_BODY_IS:
        holds = a->length == strlen(text) && memcmp(a->body, text, a->length) == 0;
        break;
    case UNTIL_BODY_HAS:
        holds = strstr(a->body, text) != NULL;
        break;
    case UNTIL_BODY_LACKS:
        holds = strstr(a->body, text) == NULL;
        break;
    case UNTIL_JSON_NOT_EMPTY:
        return judge_json(a);
    }
    return holds ? VERDICT_YES : VERDICT_NO;
}

/* All must hold; the first that does not decides, as `and` does. */
static enum verdict judge(const struct deployer *self, const struct deploy_host *host,
                          const struct answer *a)
{
    const struct step *step = host_step(self, host);
    for (uint32_t i = 0; i < step->until_count; i++) {
        enum verdict v = judge_one(self, host, &step->until[i], a);
        if (v != VERDICT_YES)
            return v;
    }
    return VERDICT_YES;
}

/* Steps that ask for a text in this step's answer: noted now, the body does not stay. */
static void note_texts(struct deployer *self, struct deploy_host *host, const struct answer *a)
{
    const struct procedure *procedure = host_entry(self, host)->procedure;
    const char *name = host_step(self, host)->name;
    for (uint32_t i = self->plays[host->entry].step + 1; i < procedure->step_count; i++) {
        const struct step *later = &procedure->steps[i];
        if (later->when_step == NULL || strcmp(later->when_step, name) != 0)
            continue;
        char text[TEXT_SIZE];
        step_expand(self, host, later->when_text, text, sizeof text);
        uint64_t bit = UINT64_C(1) << i;
        host->found = strstr(a->body, text) != NULL ? host->found | bit : host->found & ~bit;
    }
}

static bool errors_are_ignored(const struct deployer *self, const struct deploy_host *host)
{
    const struct step *step = host_step(self, host);
    return step->ignore_errors == 1 ||
           (step->ignore_errors == 2 &&
            deploy_switch_is_on(host_entry(self, host), step->ignore_switch));
}

static void step_fail(struct deployer *self, struct deploy_host *host,
                      enum step_outcome outcome, struct effects *fx)
{
    bool ignored = errors_are_ignored(self, host);
    play_on_step_ended(self, host, ignored ? STEP_IGNORED : outcome, fx);
}

static void step_retry(struct deployer *self, struct deploy_host *host, struct effects *fx)
{
    const struct step *step = host_step(self, host);
    if (host->polls > step->retries) {
        step_fail(self, host, step->retries > 0 ? STEP_GAVE_UP : STEP_FAILED, fx);
        return;
    }
    host->timer.kind = TIMER_AGAIN;
    host->timer.actor = host_actor(self, host);
    host->timer.arg = (uint32_t)(host - self->hosts);
    timers_arm(&self->timers, fx, &host->timer, step->delay, true);
}

static void on_answer(struct deployer *self, struct deploy_host *host, const struct answer *a,
                      struct effects *fx)
{
    const struct step *step = host_step(self, host);
    bool is_answer = a->status != 0 && (step->status == 0 || a->status == step->status);
    note_texts(self, host, a);
    if (step->until_count == 0) {
        if (is_answer)
            play_on_step_ended(self, host, STEP_OK, fx);
        else
            step_fail(self, host, STEP_FAILED, fx);
        return;
    }
    switch (judge(self, host, a)) {
    case VERDICT_NO:
        step_retry(self, host, fx);
        return;
    case VERDICT_YES:
        if (is_answer) {
            play_on_step_ended(self, host, STEP_OK, fx);
            return;
        }
        break;
    case VERDICT_ERROR:
        break;
    }
    step_fail(self, host, STEP_FAILED, fx);
}

/* Docker's and the edge's work: done or not; only a step with retries tries again. */
static void on_done(struct deployer *self, struct deploy_host *host, bool ok,
                    struct effects *fx)
{
    if (!ok) {
        step_retry(self, host, fx);
    } else if (host_step(self, host)->kind == STEP_RESTART && !host->is_started) {
        host->is_started = 1;
        step_send_control(self, host, CONTROL_START, fx);
    } else {
        play_on_step_ended(self, host, STEP_OK, fx);
    }
}

static void close_call(struct deployer *self, struct deploy_host *host)
{
    host->corr = 0;
    host->target = NODE_NONE;
    timers_cancel(&self->timers, &host->timer);
}

void answer_on_broken(struct deployer *self, struct deploy_host *host, struct effects *fx)
{
    enum step_kind kind = (enum step_kind)host_step(self, host)->kind;
    ASSERT(host->is_busy);
    close_call(self, host);
    if (kind == STEP_REQUEST || kind == STEP_INVOKE)
        on_answer(self, host, &(struct answer){.body = ""}, fx);
    else
        on_done(self, host, false, fx);
}

/* The kind of answer that the step's call has; MSG_REFUSED comes to every call. */
static enum message_kind answer_kind(const struct step *step)
{
    switch ((enum step_kind)step->kind) {
    case STEP_REQUEST:
        return MSG_HTTP_REPLY;
    case STEP_INVOKE:
        return MSG_INVOKE_REPLY;
    case STEP_EDGE_REMOVE:
    case STEP_EDGE_ADD:
        return MSG_EDGE_CHANGED;
    case STEP_STOP:
    case STEP_START:
    case STEP_RESTART:
    case STEP_REMOVE_CONTAINERS:
    case STEP_PULL:
        return MSG_CONTROL_DONE;
    case STEP_SLEEP:
        break;
    }
    return MSG_POST;
}

void answer_on_message(struct deployer *self, struct deploy_host *host, const struct message *m,
                       struct effects *fx)
{
    /* An answer to a call that was given up: its connection is closed, nobody reads it. */
    if (m->corr != 0 && m->corr <= self->corr && m->corr != host->corr)
        return;
    if (!host->is_busy || host->corr == 0 || m->corr != host->corr ||
        (m->kind != MSG_REFUSED && m->kind != answer_kind(host_step(self, host)))) {
        effects_reject(fx, m->to_actor, m);
        return;
    }
    if (m->kind == MSG_REFUSED) {
        answer_on_broken(self, host, fx);
        return;
    }
    close_call(self, host);
    if (m->kind == MSG_HTTP_REPLY) {
        struct answer a = {.status = m->u.http_reply.status,
                           .body = "",
                           .is_json = m->u.http_reply.content == CONTENT_JSON};
        if (m->u.http_reply.body != 0) {
            a.body = blob_bytes(self->env->arena, m->u.http_reply.body);
            a.length = blob_size(self->env->arena, m->u.http_reply.body);
        }
        on_answer(self, host, &a, fx);
    } else if (m->kind == MSG_INVOKE_REPLY) {
        uint16_t status = m->u.invoke_reply.status < 100 ? 0 : m->u.invoke_reply.status;
        on_answer(self, host, &(struct answer){.status = status, .body = ""}, fx);
    } else {
        on_done(self, host,
                m->kind == MSG_EDGE_CHANGED ? m->u.edge_changed.ok : m->u.control_done.ok, fx);
    }
}
