#include "unit.h"

#include "client/key.h"
#include "harness/fake_server.h"

/* Knows one handle per connection, and hangs up on the first `lose` uses. */
struct module {
    unsigned lose;
    unsigned num_loads;
    unsigned num_uses;
    uint64_t handle;
};

static void put_bytes(struct kq_writer *results, const char *text)
{
    const struct kq_bytes_reply reply = {.bytes = kq_slice_text(text)};
    kq_bytes_reply_put(&reply, results);
}

static enum fake_act serve(void *context, const struct kq_request *request, struct fake_reply *reply)
{
    struct module *module = context;
    if (request->op == KQ_OP_KEY_LOAD) {
        module->handle = 100 + ++module->num_loads;
        const struct kq_key_load_reply loaded = {.handle = module->handle,
                                                 .key_type = KQ_KEY_RSA,
                                                 .bits = 2048,
                                                 .origin = KQ_ORIGIN_GENERATED,
                                                 .public_key = kq_slice_text("spki")};
        kq_key_load_reply_put(&loaded, &reply->results);
    } else if (request->op == KQ_OP_SIGN) {
        struct kq_sign_request sign;
        module->num_uses++;
        if (module->lose > 0) {
            module->lose--;
            return FAKE_CLOSE;
        }
        assert_ok(kq_sign_request_get(request->params, &sign, NULL));
        reply->status = sign.handle == module->handle ? KQ_OK : KQ_ERR_NOT_FOUND;
        if (reply->status == KQ_OK)
            put_bytes(&reply->results, "signature");
    }
    return FAKE_ANSWER;
}

struct fixture {
    struct module module;
    struct fake_server server;
    struct kqc_session *session;
    struct kqc_key *key;
    struct kqc_reply reply;
    struct kq_buffer out;
};

static void put_blob(const char *counter_esn, struct kq_writer *writer)
{
    static const uint8_t bytes[32];
    const struct kq_key_blob blob = {.hkm = kq_slice_of(bytes, 32),
                                     .key_type = KQ_KEY_RSA,
                                     .bits = 2048,
                                     .origin = KQ_ORIGIN_GENERATED,
                                     .acl = kq_slice_of(bytes, 1),
                                     .place = kq_slice_of(bytes, 1),
                                     .counter_esn = kq_slice_text(counter_esn),
                                     .salt = kq_slice_of(bytes, 32),
                                     .sealed = kq_slice_of(bytes, 32)};
    kq_key_blob_put(&blob, writer);
}

static void begin(struct fixture *fixture, unsigned lose, const char *counter_esn)
{
    KQ_AUTO_VALUE(kq_writer) writer;
    struct kq_slice blob;
    kq_writer_init(&writer, 12288);
    put_blob(counter_esn, &writer);
    assert_ok(kq_writer_finish(&writer, &blob));
    *fixture = (struct fixture){.module = {.lose = lose}};
    kq_buffer_init(&fixture->out, 1024);
    fake_server_start(&fixture->server, serve, &fixture->module);
    assert_ok(kqc_session_open(fixture->server.path, "test", &fixture->session));
    assert_ok(kqc_key_open(fixture->session, blob, kq_slice_text("place"), &fixture->key, &fixture->reply));
}

static void end(struct fixture *fixture)
{
    kqc_key_free(fixture->key);
    kqc_session_free(fixture->session);
    kqc_reply_clear(&fixture->reply);
    kq_buffer_clear(&fixture->out);
    fake_server_stop(&fixture->server);
}

static kq_status sign(struct fixture *fixture)
{
    static const uint8_t digest[32];
    return kqc_key_sign(fixture->key, KQ_MECH_RSA_PSS_SHA256, kq_slice_of(digest, 32), &fixture->out, &fixture->reply);
}

static void key_open__loaded__facts_are_known(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 0, "");
    assert_int_equal(kqc_key_type(fixture.key), KQ_KEY_RSA);
    assert_int_equal(kqc_key_bits(fixture.key), 2048);
    assert_true(kq_slice_is_text(kqc_key_public(fixture.key), "spki"));
    assert_int_equal(kqc_key_handle(fixture.key), 101);
    end(&fixture);
}

static void key_sign__good__result_is_appended(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 0, "");
    assert_ok(kq_buffer_append(&fixture.out, "a ", 2));
    assert_ok(sign(&fixture));
    assert_true(kq_slice_is_text(kq_buffer_slice(&fixture.out), "a signature"));
    end(&fixture);
}

static void key_sign__module_restarted__loaded_and_used_again(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 1, "");
    assert_ok(sign(&fixture));
    end(&fixture);
    assert_int_equal(fixture.module.num_loads, 2);
    assert_int_equal(fixture.module.num_uses, 2);
}

static void key_sign__counted_key_and_answer_lost__outcome_unknown(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 1, "FAKE-0000-0001");
    assert_status(sign(&fixture), KQ_ERR_OUTCOME_UNKNOWN);
    assert_int_equal(fixture.out.len, 0);
    assert_ok(sign(&fixture));
    end(&fixture);
    assert_int_equal(fixture.module.num_uses, 2);
}

static void key_free__session_alive__unloads(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 0, "");
    end(&fixture);
    assert_int_equal(fixture.server.ops[fixture.server.num_requests - 1], KQ_OP_KEY_UNLOAD);
}

UNIT_MAIN(cmocka_unit_test(key_open__loaded__facts_are_known), cmocka_unit_test(key_sign__good__result_is_appended),
          cmocka_unit_test(key_sign__module_restarted__loaded_and_used_again),
          cmocka_unit_test(key_sign__counted_key_and_answer_lost__outcome_unknown),
          cmocka_unit_test(key_free__session_alive__unloads))
