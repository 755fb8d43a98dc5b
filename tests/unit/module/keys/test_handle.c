#include "unit.h"

#include <pthread.h>

#include "module/keys/handle.h"

static struct hsm_loaded *load(void)
{
    KQ_AUTO(hsm_key) key = NULL;
    struct hsm_loaded *loaded = NULL;
    assert_ok(hsm_key_generate(KQ_KEY_AES, 128, 0, &key));
    assert_ok(hsm_loaded_new(&key, KQ_ORIGIN_GENERATED, kq_slice_text("acl"), kq_slice_text("place"), &loaded));
    assert_null(key);
    return loaded;
}

static uint64_t add(struct hsm_handles *handles)
{
    KQ_AUTO(hsm_loaded) loaded = load();
    uint64_t handle = 0;
    assert_ok(hsm_handles_add(handles, &loaded, &handle));
    assert_null(loaded);
    return handle;
}

static void handles_find__added_key__same_with_its_handle(void **state)
{
    (void)state;
    KQ_AUTO(hsm_handles) handles = NULL;
    KQ_AUTO(hsm_loaded) loaded = NULL;
    struct hsm_loaded *none = NULL;
    assert_ok(hsm_handles_new(&handles));
    uint64_t handle = add(handles);
    assert_int_not_equal(handle, 0);
    assert_ok(hsm_handles_find(handles, handle, &loaded));
    assert_int_equal(loaded->handle, handle);
    assert_slice_equal(kq_buffer_slice(&loaded->place), kq_slice_text("place"));
    assert_status(hsm_handles_find(handles, handle + 1, &none), KQ_ERR_NOT_FOUND);
    assert_status(hsm_handles_find(handles, 0, &none), KQ_ERR_NOT_FOUND);
}

static void handles_remove__while_in_use__use_goes_on(void **state)
{
    (void)state;
    KQ_AUTO(hsm_handles) handles = NULL;
    KQ_AUTO(hsm_loaded) in_use = NULL;
    struct hsm_loaded *none = NULL;
    assert_ok(hsm_handles_new(&handles));
    uint64_t handle = add(handles);
    assert_ok(hsm_handles_find(handles, handle, &in_use));
    assert_ok(hsm_handles_remove(handles, handle));
    assert_status(hsm_handles_remove(handles, handle), KQ_ERR_NOT_FOUND);
    assert_status(hsm_handles_find(handles, handle, &none), KQ_ERR_NOT_FOUND);
    assert_int_equal(hsm_key_bits(in_use->key), 128); /* the address sanitizer would tell */
}

static void handles_add__beyond_the_maximum__too_large_and_kept_by_caller(void **state)
{
    (void)state;
    KQ_AUTO(hsm_handles) handles = NULL;
    KQ_AUTO(hsm_loaded) one_more = load();
    uint64_t handle = 0;
    assert_ok(hsm_handles_new(&handles));
    uint64_t first = add(handles);
    for (size_t i = 1; i < HSM_HANDLES_MAX; i++)
        assert_int_not_equal(add(handles), first);
    assert_int_equal(hsm_handles_count(handles), HSM_HANDLES_MAX);
    assert_status(hsm_handles_add(handles, &one_more, &handle), KQ_ERR_TOO_LARGE);
    assert_non_null(one_more);
    assert_ok(hsm_handles_remove(handles, first));
    assert_ok(hsm_handles_add(handles, &one_more, &handle));
}

static void handles_list__three_keys__each_once(void **state)
{
    (void)state;
    KQ_AUTO(hsm_handles) handles = NULL;
    KQ_AUTO_VALUE(kq_writer) items = {0};
    uint64_t added[3];
    size_t num = 0, num_found = 0;
    kq_writer_init(&items, 1024);
    assert_ok(hsm_handles_new(&handles));
    for (size_t i = 0; i < 3; i++)
        added[i] = add(handles);
    hsm_handles_list(handles, &items, &num);
    assert_int_equal(num, 3);
    struct kq_list list = {kq_buffer_slice(&items.buffer), num};
    struct kq_slice item;
    while (kq_list_next(&list, &item)) {
        uint64_t handle = 0;
        assert_int_equal(item.len, 8);
        for (size_t i = 0; i < 8; i++)
            handle = handle << 8 | item.data[i];
        for (size_t i = 0; i < 3; i++)
            num_found += handle == added[i];
    }
    assert_int_equal(num_found, 3);
}

/* Threads add, find and remove in one table at once; the sanitizers watch. */
static void *work(void *context)
{
    struct hsm_handles *handles = context;
    for (int i = 0; i < 200; i++) {
        KQ_AUTO(hsm_loaded) found = NULL;
        uint64_t handle = add(handles);
        assert_ok(hsm_handles_find(handles, handle, &found));
        assert_ok(hsm_handles_remove(handles, handle));
    }
    return NULL;
}

static void handles__four_threads__empty_at_the_end(void **state)
{
    (void)state;
    KQ_AUTO(hsm_handles) handles = NULL;
    pthread_t threads[4];
    assert_ok(hsm_handles_new(&handles));
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, handles), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(hsm_handles_count(handles), 0);
}

UNIT_MAIN(cmocka_unit_test(handles_find__added_key__same_with_its_handle),
          cmocka_unit_test(handles_remove__while_in_use__use_goes_on),
          cmocka_unit_test(handles_add__beyond_the_maximum__too_large_and_kept_by_caller),
          cmocka_unit_test(handles_list__three_keys__each_once),
          cmocka_unit_test(handles__four_threads__empty_at_the_end))
