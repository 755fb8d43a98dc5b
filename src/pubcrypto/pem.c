#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "pubcrypto/x509.h"

kq_status kq_pem_encode(const char *type, struct kq_slice der, struct kq_buffer *out)
{
    BIO *memory = BIO_new(BIO_s_mem());
    kq_status status = KQ_ERR_MEMORY;
    if (memory != NULL && PEM_write_bio(memory, type, "", der.data, (long)der.len) > 0) {
        char *text = NULL;
        long len = BIO_get_mem_data(memory, &text);
        status = kq_buffer_append(out, text, (size_t)len);
    }
    BIO_free(memory);
    ERR_clear_error();
    return status;
}

/* The reader of the library skips what stands before the first block. */
static bool begins_with_block(struct kq_slice pem)
{
    static const char begin[] = "-----BEGIN ";
    size_t at = 0;
    while (at < pem.len && strchr(" \t\r\n", pem.data[at]) != NULL && pem.data[at] != '\0')
        at++;
    return pem.len - at > sizeof begin && memcmp(pem.data + at, begin, sizeof begin - 1) == 0;
}

static bool only_white_space_left(BIO *memory)
{
    char c;
    while (BIO_read(memory, &c, 1) == 1)
        if (c == '\0' || strchr(" \t\r\n", c) == NULL)
            return false;
    return true;
}

static kq_status read_block(BIO *memory, const char *type, struct kq_buffer *out)
{
    char *found_type = NULL;
    char *headers = NULL;
    uint8_t *der = NULL;
    long len = 0;
    kq_status status = KQ_ERR_FORMAT;
    if (PEM_read_bio(memory, &found_type, &headers, &der, &len) == 1 && strcmp(found_type, type) == 0 &&
        headers[0] == '\0' && only_white_space_left(memory))
        status = kq_buffer_append(out, der, (size_t)len);
    OPENSSL_free(found_type);
    OPENSSL_free(headers);
    OPENSSL_free(der);
    return status;
}

kq_status kq_pem_decode(const char *type, struct kq_slice pem, struct kq_buffer *out)
{
    if (!begins_with_block(pem) || pem.len > INT32_MAX)
        return KQ_ERR_FORMAT;
    BIO *memory = BIO_new_mem_buf(pem.data, (int)pem.len);
    kq_status status = memory == NULL ? KQ_ERR_MEMORY : read_block(memory, type, out);
    BIO_free(memory);
    ERR_clear_error();
    return status;
}
