/*
 * test_blob.c - variable-length bytes behind a handle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/blob.h"

#define ROOM ((size_t)1 << 20)

static void a_blob_keeps_its_bytes_and_ends_with_a_nul(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ROOM);
    blob b = blob_new(arena, ARENA_MESSAGE, "GET /ping", 9);
    assert_int_not_equal(b, 0);
    assert_int_equal(blob_size(arena, b), 9);
    assert_string_equal(blob_bytes(arena, b), "GET /ping");
    ((char *)blob_bytes_mutable(arena, b))[0] = 'P';
    assert_string_equal(blob_bytes(arena, b), "PET /ping");
    blob_free(arena, b);
    assert_int_equal(arena_blocks(arena, ARENA_MESSAGE), 0);
    arena_free(arena);
}

static void handle_zero_is_the_empty_blob(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ROOM);
    assert_int_equal(blob_size(arena, 0), 0);
    assert_string_equal(blob_bytes(arena, 0), "");
    assert_int_equal(blob_copy(arena, 1, 0), 0);
    blob_own(arena, 1, 0);
    blob_free(arena, 0);
    blob b = blob_new(arena, 1, NULL, 0);
    assert_int_equal(blob_size(arena, b), 0);
    assert_string_equal(blob_bytes(arena, b), "");
    arena_free(arena);
}

static void a_copy_lives_on_its_own(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ROOM);
    blob b = blob_new(arena, ARENA_MESSAGE, "a\0b", 3);
    blob copy = blob_copy(arena, 5, b);
    blob_own(arena, 6, b);
    assert_int_equal(arena_blocks(arena, ARENA_MESSAGE), 0);
    arena_release_owner(arena, 6, true);
    assert_int_equal(blob_size(arena, copy), 3);
    assert_memory_equal(blob_bytes(arena, copy), "a\0b", 4);
    arena_free(arena);
}

static void a_handle_outlives_a_restore(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ROOM);
    blob b = blob_new(arena, 1, "body", 4);
    struct arena_snapshot *snapshot = arena_save(arena);
    blob_free(arena, b);
    (void)blob_new(arena, 1, "else", 4);
    arena_restore(arena, snapshot);
    assert_string_equal(blob_bytes(arena, b), "body");
    arena_snapshot_free(snapshot);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blob_keeps_its_bytes_and_ends_with_a_nul),
        cmocka_unit_test(handle_zero_is_the_empty_blob),
        cmocka_unit_test(a_copy_lives_on_its_own),
        cmocka_unit_test(a_handle_outlives_a_restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
