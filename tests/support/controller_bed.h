#pragma once
/*
 * controller_bed.h - a controller on a bed, with what its tests say again and again.
 */
#include "support/bed.h"
#include "controller/controller.h"

/* Started; schedulers 0 and 1 known with 3 and 1 queues; nothing in the log. */
struct bed *controller_bed_new(void);
/* Only init and EVENT_START, with the configuration as it is now. */
struct bed *controller_bed_cold(void);
void controller_bed_schedulers(struct bed *bed, unsigned count, const uint32_t *queue_sizes);

void send_invoke(struct bed *bed, activation_id id, action_id action, bool blocking);
/* Answer the oldest read of an action's document that the log has. */
void answer_action(struct bed *bed, enum document_result result);
/* Answer the n-th look-up in the log: value's kind VALUE_EMPTY means "no such key". */
void answer_look_up(struct bed *bed, uint32_t n, struct value value);
void answer_produced(struct bed *bed, uint32_t n, bool ok);
/* The action is known and its queue's leader too: ready for quick invokes. Log is empty. */
void controller_bed_ready(struct bed *bed, action_id action, node_id leader);
/* Invoke and let Kafka acknowledge; the log then has what that made. */
void invoke_published(struct bed *bed, activation_id id, action_id action, bool blocking);

void send_watch_event(struct bed *bed, struct key key, struct value value, bool deleted);
struct value endpoints(node_id scheduler);
struct value scheduler_state(node_id scheduler, uint32_t queue_size);
struct value flag(bool on);

struct ack an_ack(activation_id id, enum ack_kind kind, enum response_status status);
void send_ack(struct bed *bed, struct ack ack);
/* The answer to the n-th database read in the log. */
void answer_record(struct bed *bed, uint32_t n, enum document_result result,
                   enum response_status response);

/* The only reply to a call in the log has this status, and its record says the same. */
void expect_answer(const struct bed *bed, activation_id id, unsigned status,
                   enum error_text error);
/* Each record of an answer has a response that goes with its status. */
void expect_records_fit(const struct bed *bed);
/* Nothing is left of it: an invocation of guest/hello may have its id again. */
void expect_forgotten(struct bed *bed, activation_id id);
/* GET /activation/count says so. */
void expect_count(struct bed *bed, const char *count);
