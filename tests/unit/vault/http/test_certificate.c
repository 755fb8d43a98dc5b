#include "vault/http/certificate.h"

#include "base/clock.h"
#include "harness/http_keys.h"
#include "unit.h"

struct world {
    struct http_key ca;
    struct http_key key;
    struct kq_buffer ca_pem;
    struct kq_buffer pem;
};

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    http_key_make(&world->ca);
    http_key_make(&world->key);
    kq_buffer_init(&world->ca_pem, 65536);
    kq_buffer_init(&world->pem, 65536);
    assert_ok(http_key_authority(&world->ca, &world->ca_pem));
    *state = world;
    return 0;
}

static int free_world(void **state)
{
    struct world *world = *state;
    http_key_clear(&world->ca);
    http_key_clear(&world->key);
    kq_buffer_clear(&world->ca_pem);
    kq_buffer_clear(&world->pem);
    free(world);
    return 0;
}

static gnutls_x509_crt_t load(const struct kq_buffer *pem)
{
    gnutls_x509_crt_t crt;
    gnutls_datum_t text = {pem->data, (unsigned)pem->len};
    assert_int_equal(gnutls_x509_crt_init(&crt), 0);
    assert_int_equal(gnutls_x509_crt_import(crt, &text, GNUTLS_X509_FMT_PEM), 0);
    return crt;
}

/* Verifies the server's certificate for a host under the CA; the verdict's bits. */
static unsigned verdict(const struct world *world, const char *host)
{
    gnutls_x509_trust_list_t list;
    gnutls_x509_crt_t ca = load(&world->ca_pem);
    gnutls_x509_crt_t crt = load(&world->pem);
    gnutls_typed_vdata_st wanted[] = {
        {GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)(uintptr_t)host, 0},
        {GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER, 0},
    };
    unsigned status = ~0u;
    assert_int_equal(gnutls_x509_trust_list_init(&list, 0), 0);
    assert_int_equal(gnutls_x509_trust_list_add_cas(list, &ca, 1, 0), 1);
    assert_int_equal(gnutls_x509_trust_list_verify_crt2(list, &crt, 1, wanted, 2, 0, &status, NULL), 0);
    gnutls_x509_trust_list_deinit(list, 1);
    gnutls_x509_crt_deinit(crt);
    return status;
}

static void certificate_make__server__verifies_for_its_names_only(void **state)
{
    static const char *const names[] = {"login.test", "*.vault.test", "127.0.0.1", "::1", NULL};
    struct world *world = *state;
    assert_ok(http_key_server(&world->ca, kq_buffer_slice(&world->ca_pem), &world->key, names, &world->pem));
    assert_int_equal(verdict(world, "login.test"), 0);
    assert_int_equal(verdict(world, "any.vault.test"), 0);
    assert_int_equal(verdict(world, "127.0.0.1"), 0);
    assert_int_equal(verdict(world, "::1"), 0);
    assert_int_not_equal(verdict(world, "other.test"), 0);
    assert_int_not_equal(verdict(world, "127.0.0.2"), 0);
}

static void certificate_make__authority__is_one(void **state)
{
    struct world *world = *state;
    gnutls_x509_crt_t ca = load(&world->ca_pem);
    unsigned critical;
    unsigned is_ca = 0;
    int path_len = -1;
    assert_true(gnutls_x509_crt_get_basic_constraints(ca, &critical, &is_ca, &path_len) >= 0);
    assert_int_equal(is_ca, 1);
    assert_int_equal(path_len, 0);
    assert_int_equal(gnutls_x509_crt_get_signature_algorithm(ca), GNUTLS_SIGN_ECDSA_SHA256);
    assert_int_equal(gnutls_x509_crt_check_issuer(ca, ca), 1);
    gnutls_x509_crt_deinit(ca);
}

static void certificate_make__other_issuer__does_not_verify(void **state)
{
    static const char *const names[] = {"login.test", NULL};
    struct world *world = *state;
    struct http_key stranger;
    http_key_make(&stranger);
    assert_ok(http_key_server(&stranger, kq_buffer_slice(&world->ca_pem), &world->key, names, &world->pem));
    assert_int_not_equal(verdict(world, "login.test"), 0);
    http_key_clear(&stranger);
}

static void certificate_make__sign_fails__its_status_comes_back(void **state)
{
    static const char *const names[] = {"login.test", NULL};
    struct world *world = *state;
    world->ca.fails_with = KQ_ERR_CONNECT;
    assert_status(http_key_server(&world->ca, kq_buffer_slice(&world->ca_pem), &world->key, names, &world->pem),
                  KQ_ERR_CONNECT);
    assert_int_equal(world->pem.len, 0);
}

static void certificate_make__bad_request__is_refused(void **state)
{
    struct world *world = *state;
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    kq_buffer_init(&spki, 1024);
    http_key_public(&world->key, &spki);
    struct vault_http_certificate_request request = {.common_name = "x",
                                                     .subject_public = kq_buffer_slice(&spki),
                                                     .not_before = 2000,
                                                     .not_after = 1000,
                                                     .sign = http_key_sign,
                                                     .sign_context = &world->ca};
    assert_status(vault_http_certificate_make(&request, &world->pem), KQ_ERR_ARGUMENT);
    request.not_after = 3000;
    request.issuer_pem = kq_slice_text("no certificate");
    assert_status(vault_http_certificate_make(&request, &world->pem), KQ_ERR_ARGUMENT);
    request.issuer_pem = KQ_SLICE_EMPTY;
    request.subject_public.len--;
    assert_status(vault_http_certificate_make(&request, &world->pem), KQ_ERR_ARGUMENT);
    assert_int_equal(world->pem.len, 0);
}

static void certificate_end__certificate__tells_its_last_second(void **state)
{
    const struct world *world = *state;
    uint64_t end = 0;
    uint64_t now = kq_clock_unix_s();
    assert_ok(vault_http_certificate_end(kq_buffer_slice(&world->ca_pem), &end));
    assert_true(end > now + 863000 && end < now + 865000);
    assert_status(vault_http_certificate_end(kq_slice_text("nothing"), &end), KQ_ERR_FORMAT);
    assert_status(vault_http_certificate_end(KQ_SLICE_EMPTY, &end), KQ_ERR_FORMAT);
}

UNIT_MAIN(cmocka_unit_test_setup_teardown(certificate_make__server__verifies_for_its_names_only, make_world,
                                          free_world),
          cmocka_unit_test_setup_teardown(certificate_make__authority__is_one, make_world, free_world),
          cmocka_unit_test_setup_teardown(certificate_make__other_issuer__does_not_verify, make_world, free_world),
          cmocka_unit_test_setup_teardown(certificate_make__sign_fails__its_status_comes_back, make_world, free_world),
          cmocka_unit_test_setup_teardown(certificate_make__bad_request__is_refused, make_world, free_world),
          cmocka_unit_test_setup_teardown(certificate_end__certificate__tells_its_last_second, make_world, free_world))
