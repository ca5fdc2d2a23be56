#pragma once
/*
 * invoker_internal.h - what the invoker's topic files call of each other.
 */
#include "common/admin.h"
#include "core/fsm.h"
#include "invoker/invoker_behaviour.h"
#include "invoker/invoker_state.h"

/* invoker_slot.c */
struct slot *invoker_slot_new(struct invoker *self,
                              bool is_test); /* NULL: INVOKER_SLOTS_MAX in use */
struct slot *invoker_slot_find(const struct invoker *self, actor_id actor); /* NULL: stopped */
void invoker_slot_release(struct invoker *self,
                          struct slot *slot); /* if nothing of it is left */
uint32_t invoker_slot_container_id(struct invoker *self);
struct run *invoker_run_new(struct invoker *self, struct slot *slot);
void invoker_run_free(struct invoker *self, struct run *run);
void invoker_stash_add(struct invoker *self, struct message **stash, uint32_t *count,
                       uint32_t *max, const struct message *m);

/* invoker_call.c */
struct call *invoker_calls_add(struct invoker *self, struct calls *calls, enum call_kind kind,
                               node_id peer, uint32_t corr);
bool invoker_calls_take(struct calls *calls, uint32_t corr, struct call *ret_call);
uint32_t invoker_corr(struct invoker *self); /* for calls of no slot */
/* CALL_LEADER, or CALL_COUNT with its COUNT_ARG. */
void invoker_slot_range(struct invoker *self, struct slot *slot, enum call_kind kind,
                        uint32_t arg, struct effects *fx);
void invoker_slot_read(struct invoker *self, struct slot *slot, struct run *run,
                       struct effects *fx);
void invoker_slot_on_callback(struct invoker *self, const struct message *m,
                              struct effects *fx);
void invoker_slot_on_call_timer(struct invoker *self, struct slot *slot, struct effects *fx);
void invoker_on_link(struct invoker *self, const struct event *ev, struct effects *fx);
void invoker_read(struct invoker *self, actor_id from, enum call_kind kind, uint32_t arg,
                  enum document_kind document, const struct creation *what, struct effects *fx);

/* invoker_start.c */
void invoker_warm_up(struct invoker *self, struct effects *fx);
void invoker_close_watch(struct invoker *self, struct effects *fx);
void invoker_on_main(struct invoker *self, const struct message *m, struct effects *fx);
void invoker_on_etcd_link(struct invoker *self, bool is_down, struct effects *fx);
void invoker_on_callback(struct invoker *self, const struct message *m, struct effects *fx);

/* invoker_route.c */
void invoker_route_on_request(struct invoker *self, const struct message *m,
                              struct effects *fx);
void invoker_route_on_pool_state(struct invoker *self, const struct message *m,
                                 struct effects *fx);
void invoker_route_on_timer(struct invoker *self, const struct timer *timer,
                            struct effects *fx);

/* invoker_consumer.c */
void invoker_consumer_on_message(struct invoker *self, const struct message *m,
                                 struct effects *fx);
void invoker_consumer_on_callback(struct invoker *self, const struct message *m,
                                  struct effects *fx);
void invoker_creation_answer(struct invoker *self, actor_id from,
                             const struct creation *creation, enum creation_error error,
                             struct effects *fx);

/* invoker_pool.c, invoker_pool_choose.c, invoker_pool_drain.c */
void invoker_pool_start(struct invoker *self, struct effects *fx);
void invoker_pool_on_message(struct invoker *self, const struct message *m, struct effects *fx);
void invoker_pool_send_memory(struct invoker *self, struct effects *fx);
/* Or, if it is in the list already, only its new memory. */
void invoker_pool_insert(struct pool *pool, enum pool_list list, struct slot *slot,
                         uint32_t memory_mb);
void invoker_pool_remove(struct pool *pool, enum pool_list list, struct slot *slot);
struct slot *invoker_pool_choose(struct invoker *self, const struct creation *creation,
                                 struct effects *fx);
void invoker_pool_drain(struct invoker *self, struct effects *fx);
void invoker_pool_on_drain_timer(struct invoker *self, struct timer *timer, struct effects *fx);
blob invoker_pool_state_json(struct invoker *self);

/* invoker_pool_prewarm.c */
enum exec_kind invoker_action_kind(const struct invoker *self, action_id action);
const char *exec_kind_to_string(unsigned kind);
void invoker_prewarm_init(struct invoker *self);
void invoker_prewarm_start(struct invoker *self, struct effects *fx);
void invoker_prewarm_adjust(struct invoker *self, bool is_init, bool is_scheduled,
                            struct effects *fx);
bool invoker_prewarm_on_message(struct invoker *self, unsigned what, struct effects *fx);
void invoker_prewarm_on_timer(struct invoker *self, struct timer *timer, struct effects *fx);
/* The smallest of its kind with need_mb to cap_mb, which is replaced at once; NULL: none. */
struct slot *invoker_prewarm_take(struct invoker *self, enum exec_kind kind, uint32_t need_mb,
                                  int64_t cap_mb, struct effects *fx);
void invoker_prewarm_count_cold(struct invoker *self, enum exec_kind kind, uint32_t memory_mb);

/* invoker_proxy.c and its topics: a handler returns false for what it does not list. */
void proxy_start(struct invoker *self, struct slot *slot);
void proxy_on_message(struct invoker *self, const struct message *m, struct effects *fx);
void proxy_on_timer(struct invoker *self, struct timer *timer, struct effects *fx);
void proxy_move(struct invoker *self, struct slot *slot, enum proxy_state to,
                struct effects *fx);
void proxy_clean_up(struct invoker *self, struct slot *slot, bool with_client,
                    struct effects *fx);
/* The part of it that knows no action. replace: the pool may make a prewarmed one instead. */
void proxy_clean_up_container(struct invoker *self, struct slot *slot, bool with_client,
                              bool replace, struct effects *fx);
void proxy_report_removed(struct slot *slot, bool replace, struct effects *fx);
/* Start the removal of its container, if it has one and none is under way. */
void proxy_destroy(struct invoker *self, struct slot *slot, struct effects *fx);
void proxy_stop(struct invoker *self, struct slot *slot);
void proxy_report(struct slot *slot, actor_id from, enum invoker_post what,
                  struct effects *fx); /* parent! what, with the datum */
void proxy_key(const struct invoker *self, const struct slot *slot, enum key_family family,
               struct key *ret_key);
void proxy_request(struct slot *slot, actor_id from, struct effects *fx);
void proxy_operate(struct invoker *self, struct slot *slot, enum invoker_timer operation,
                   struct effects *fx);
bool proxy_on_uninitialized(struct invoker *self, struct slot *slot, unsigned what,
                            const struct message *m, struct effects *fx);
bool proxy_on_creating_container(struct invoker *self, struct slot *slot, unsigned what,
                                 struct effects *fx);
bool proxy_on_container_created(struct invoker *self, struct slot *slot, unsigned what,
                                const struct message *m, struct effects *fx);
/* Docker's callback of a creation, cold or prewarmed. */
void proxy_on_docker_created(struct invoker *self, struct slot *slot, struct effects *fx);
void proxy_on_health_ping(struct invoker *self, struct slot *slot, struct effects *fx);
/* To Rescheduling: a run met nobody. */
void proxy_reschedule(struct invoker *self, struct slot *slot, const struct message *m,
                      struct effects *fx);
bool proxy_on_rescheduling(struct invoker *self, struct slot *slot, unsigned what,
                           const struct message *m, struct effects *fx);
/* A message came in Rescheduling: its time-out starts anew. */
void proxy_on_silence_broken(struct invoker *self, struct slot *slot, struct effects *fx);
bool proxy_on_creating_client(struct invoker *self, struct slot *slot, unsigned what,
                              const struct message *m, struct effects *fx);
bool proxy_on_client_created(struct invoker *self, struct slot *slot, unsigned what,
                             const struct message *m, struct effects *fx);
bool proxy_on_running(struct invoker *self, struct slot *slot, unsigned what,
                      const struct message *m, struct effects *fx);
bool proxy_on_pausing(struct invoker *self, struct slot *slot, unsigned what,
                      const struct message *m, struct effects *fx);
bool proxy_on_paused(struct invoker *self, struct slot *slot, unsigned what,
                     const struct message *m, struct effects *fx);
void proxy_on_removing(struct invoker *self, struct slot *slot, unsigned what,
                       const struct message *m, struct effects *fx);
void proxy_on_resumed(struct invoker *self, struct slot *slot, bool is_resumed,
                      struct effects *fx);
void proxy_on_counted(struct invoker *self, struct slot *slot, uint32_t arg,
                      const struct message *m, struct effects *fx); /* m NULL: it failed */
void invoker_message_reject(struct effects *fx, const struct message *m);
void invoker_message_drop(struct effects *fx,
                          const struct message *m); /* rejected, with its id */

/* invoker_run.c */
void invoker_run_handle(struct invoker *self, struct slot *slot,
                        const struct activation *activation, struct effects *fx);
void invoker_run_begin(struct invoker *self, struct slot *slot,
                       const struct activation *activation, struct effects *fx);
void invoker_run_on_document(struct invoker *self, struct slot *slot, activation_id id,
                             const struct message *m, struct effects *fx); /* m NULL: broken */
void invoker_run_on_timer(struct invoker *self, struct run *run, struct effects *fx);
void invoker_run_freeze(struct invoker *self, struct slot *slot, struct effects *fx);
void invoker_run_thaw(struct invoker *self, struct slot *slot, struct effects *fx);
void invoker_run_cut(struct invoker *self, struct slot *slot, struct effects *fx);
bool invoker_run_has_logs(const struct invoker *self, const struct run *run);
void invoker_run_leave(struct invoker *self, struct run *run); /* no longer running */

/* invoker_ack.c: what leaves of an activation that has ended. */
void invoker_ack_send(struct invoker *self, struct run *run, enum ack_kind kind, bool is_shrunk,
                      struct effects *fx);
void invoker_ack_store(struct invoker *self, const struct run *run, struct effects *fx);
/* Completion, behind the result: at once or when its send has ended; the run is freed. */
void invoker_ack_complete(struct invoker *self, struct run *run, struct effects *fx);
void invoker_ack_on_produced(struct invoker *self, uint32_t corr, struct effects *fx);
void invoker_ack_on_timer(struct invoker *self, struct effects *fx);
/* A combined ack and a record for an activation that is not run; or not any more. */
void invoker_ack_fall_back(struct invoker *self, struct run *run, enum response_status response,
                           enum error_text error, struct effects *fx);

/* invoker_blacklist.c */
void invoker_blacklist_start(struct invoker *self, struct effects *fx);
void invoker_blacklist_on_timer(struct invoker *self, struct effects *fx);
void invoker_blacklist_on_read(struct invoker *self, namespace_id ns, const struct message *m);
bool invoker_blacklist_has(const struct invoker *self, namespace_id ns);

/* invoker_client.c */
void invoker_client_start(struct slot *slot, node_id scheduler);
void invoker_client_on_message(struct invoker *self, const struct message *m,
                               struct effects *fx);
void invoker_client_on_broken(struct invoker *self, struct slot *slot, const struct call *call,
                              struct effects *fx);
/* m NULL: no answer. */
void invoker_client_on_rescheduled(struct slot *slot, const struct message *m,
                                   struct effects *fx);
void invoker_client_on_leader(struct invoker *self, struct slot *slot, const struct message *m,
                              struct effects *fx); /* m NULL: the look-up failed */

/* invoker_health.c */
void invoker_health_on_message(struct invoker *self, const struct message *m,
                               struct effects *fx);
void invoker_health_on_written(struct invoker *self, struct effects *fx);
void invoker_health_on_callback(struct invoker *self, const struct message *m,
                                struct effects *fx);
void invoker_health_client_on_message(struct invoker *self, struct slot *slot,
                                      const struct message *m, struct effects *fx);

/* invoker_digest.c */
void invoker_digest(const void *memory, struct digest *d);
