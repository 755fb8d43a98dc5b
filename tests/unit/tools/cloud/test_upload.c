#include "base/algorithms.h"
#include "tools/cloud/upload.h"
#include "unit.h"

static void other_spelling__both_of_the_documents__lead_to_each_other(void **state)
{
    (void)state;
    char out[KQ_PATH_MAX];
    assert_true(kq_upload_other_spelling("TransferPackage-A.byok", out));
    assert_string_equal(out, "KeyTransferPackage-A.byok");
    assert_true(kq_upload_other_spelling("/usb/KeyTransferPackage-A.byok", out));
    assert_string_equal(out, "/usb/TransferPackage-A.byok");
    assert_true(kq_upload_other_spelling("c:\\TransferPackage-A.byok", out));
    assert_string_equal(out, "c:\\KeyTransferPackage-A.byok");
}

static void other_spelling__another_name_or_one_too_long__has_none(void **state)
{
    (void)state;
    char out[KQ_PATH_MAX], path[KQ_PATH_MAX + 32];
    assert_false(kq_upload_other_spelling("mine.byok", out));
    assert_false(kq_upload_other_spelling("TransferPackage-A/mine.byok", out));
    memset(path, 'a', sizeof path);
    memcpy(path, "TransferPackage-", 16);
    path[KQ_PATH_MAX - 2] = '\0';
    assert_false(kq_upload_other_spelling(path, out));
}

static void kind__keys_of_packages__have_the_names_of_the_api(void **state)
{
    (void)state;
    const char *kty, *curve;
    assert_true(kq_upload_kind(KQ_KEY_RSA, &kty, &curve));
    assert_string_equal(kty, "RSA-HSM");
    assert_null(curve);
    assert_true(kq_upload_kind(KQ_KEY_EC_SECP256K1, &kty, &curve));
    assert_string_equal(kty, "EC-HSM");
    assert_string_equal(curve, "P-256K");
    assert_true(kq_upload_kind(KQ_KEY_EC_P521, &kty, &curve));
    assert_string_equal(curve, "P-521");
    assert_false(kq_upload_kind(KQ_KEY_AES, &kty, &curve));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_spelling__both_of_the_documents__lead_to_each_other),
        cmocka_unit_test(other_spelling__another_name_or_one_too_long__has_none),
        cmocka_unit_test(kind__keys_of_packages__have_the_names_of_the_api),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
