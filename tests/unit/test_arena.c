/*
 * test_arena.c - blocks, owners, snapshots of the world's memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/assert.h"

#define ROOM ((size_t)8 << 20)

static jmp_buf failed;

static void jump_out(const char *text)
{
    (void)text;
    longjmp(failed, 1);
}

static bool is_zero(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static void blocks_are_zeroed_and_aligned_also_when_reused(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ROOM);
    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *block = arena_alloc(arena, 3, size);
        assert_int_equal((uintptr_t)block % 16, 0);
        assert_int_equal(arena_block_size(block), size);
        assert_true(is_zero(block, size));
        memset(block, 0xff, size);
        if (size % 2 == 0)
            arena_release(arena, block);
    }
    arena_free(arena);
}

static void a_freed_block_is_used_again_before_new_memory(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ROOM);
    void *first = arena_alloc(arena, 1, 100);
    size_t used = arena_used(arena);
    for (int i = 0; i < 100; i++) {
        arena_release(arena, first);
        first = arena_alloc(arena, 2, 98);
    }
    assert_int_equal(arena_used(arena), used);
    arena_free(arena);
}

static void a_crash_keeps_durable_blocks_and_other_owners(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ROOM);
    for (int i = 0; i < 10; i++) {
        (void)arena_alloc(arena, 300, 50);
        (void)arena_alloc(arena, 301, 50);
    }
    char *durable = arena_alloc_durable(arena, 300, 20);
    memcpy(durable, "kept", 5);
    durable = arena_grow(arena, 300, durable, 500);
    assert_int_equal(arena_blocks(arena, 300), 11);
    arena_release_owner(arena, 300, false);
    assert_int_equal(arena_blocks(arena, 300), 1);
    assert_int_equal(arena_blocks(arena, 301), 10);
    assert_string_equal(durable, "kept");
    arena_release_owner(arena, 300, true);
    assert_int_equal(arena_blocks(arena, 300), 0);
    arena_free(arena);
}

static void a_block_can_change_its_owner(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ROOM);
    void *block = arena_alloc(arena, ARENA_MESSAGE, 8);
    assert_int_equal(arena_owner(block), ARENA_MESSAGE);
    arena_own(arena, 7, block);
    assert_int_equal(arena_blocks(arena, ARENA_MESSAGE), 0);
    assert_int_equal(arena_blocks(arena, 7), 1);
    arena_own(arena, ARENA_HOST, block);
    arena_release_owner(arena, 7, true);
    assert_int_equal(arena_blocks(arena, ARENA_HOST), 1);
    arena_release(arena, block);
    assert_int_equal(arena_blocks(arena, ARENA_HOST), 0);
    arena_free(arena);
}

static void growing_keeps_the_contents_and_zeroes_the_rest(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ROOM);
    unsigned char *block = NULL;
    for (size_t size = 1; size < 200000; size = size * 5 / 3 + 1) {
        size_t old = block == NULL ? 0 : arena_block_size(block);
        block = arena_grow(arena, 4, block, size);
        for (size_t i = 0; i < old; i++)
            assert_int_equal(block[i], (i * 7) & 0xff);
        assert_true(is_zero(block + old, size - old));
        for (size_t i = 0; i < size; i++)
            block[i] = (unsigned char)(i * 7);
    }
    assert_int_equal(arena_blocks(arena, 4), 1);
    arena_free(arena);
}

static void a_restore_brings_back_contents_and_lists(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ROOM);
    char *kept = arena_alloc(arena, 1, 100);
    char *released = arena_alloc(arena, 1, 100);
    memcpy(kept, "before", 7);
    struct arena_snapshot *snapshot = arena_save(arena);
    size_t used = arena_used(arena);
    memcpy(kept, "after", 6);
    arena_release(arena, released);
    for (int i = 0; i < 1000; i++)
        (void)arena_alloc(arena, 2, 300);
    for (int again = 0; again < 2; again++) {
        arena_restore(arena, snapshot);
        assert_string_equal(kept, "before");
        assert_int_equal(arena_used(arena), used);
        assert_int_equal(arena_blocks(arena, 1), 2);
        assert_int_equal(arena_blocks(arena, 2), 0);
        arena_release(arena, released);
        assert_ptr_equal(arena_alloc(arena, 1, 100), released);
        assert_true(is_zero(arena_alloc(arena, 2, 300), 300));
    }
    arena_snapshot_free(snapshot);
    arena_free(arena);
}

static void a_handle_leads_back_to_its_block(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ROOM);
    void *block = arena_alloc(arena, 1, 5);
    assert_int_not_equal(arena_handle(arena, block), 0);
    assert_ptr_equal(arena_block(arena, arena_handle(arena, block)), block);
    arena_free(arena);
}

static void a_mapping_is_used_again_by_the_next_world(void **state)
{
    (void)state;
    struct arena *first = arena_new(ROOM);
    memset(arena_alloc(first, 1, 1000), 0xff, 1000);
    struct arena *second = arena_new(ROOM); /* two worlds side by side */
    assert_ptr_not_equal(first, second);
    arena_free(first);
    struct arena *third = arena_new(ROOM);
    assert_ptr_equal(third, first);
    assert_true(is_zero(arena_alloc(third, 1, 1000), 1000));
    arena_free(second);
    arena_free(third);
    assert_null(arena_new(0));
}

static void running_out_of_room_and_freeing_twice_are_caught(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64 << 10);
    void *block = arena_alloc(arena, 1, 10);
    assert_handler_fn *former = assert_handler_swap(jump_out);
    if (setjmp(failed) == 0) {
        (void)arena_alloc(arena, 1, 64 << 10);
        fail_msg("room for more than there is");
    }
    arena_release(arena, block);
    if (setjmp(failed) == 0) {
        arena_release(arena, block);
        fail_msg("given back twice");
    }
    (void)assert_handler_swap(former);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_zeroed_and_aligned_also_when_reused),
        cmocka_unit_test(a_freed_block_is_used_again_before_new_memory),
        cmocka_unit_test(a_crash_keeps_durable_blocks_and_other_owners),
        cmocka_unit_test(a_block_can_change_its_owner),
        cmocka_unit_test(growing_keeps_the_contents_and_zeroes_the_rest),
        cmocka_unit_test(a_restore_brings_back_contents_and_lists),
        cmocka_unit_test(a_handle_leads_back_to_its_block),
        cmocka_unit_test(a_mapping_is_used_again_by_the_next_world),
        cmocka_unit_test(running_out_of_room_and_freeing_twice_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
