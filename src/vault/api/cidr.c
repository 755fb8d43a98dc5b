#include "vault/api/cidr.h"

#include <arpa/inet.h>

#include "base/text.h"

struct range {
    uint8_t bytes[16];
    size_t num_bytes; /* 4 or 16 */
    size_t num_bits;
};

static bool read_address(const char *text, struct range *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (inet_pton(AF_INET, text, out->bytes) == 1) {
        out->num_bytes = 4;
    } else if (inet_pton(AF_INET6, text, out->bytes) == 1) {
        out->num_bytes = 16;
        if (memcmp(out->bytes, mapped, sizeof mapped) == 0) {
            memmove(out->bytes, out->bytes + sizeof mapped, 4);
            out->num_bytes = 4;
        }
    } else {
        return false;
    }
    out->num_bits = 8 * out->num_bytes;
    return true;
}

static bool read_range(const char *text, struct range *out)
{
    char address[INET6_ADDRSTRLEN];
    size_t len = strcspn(text, "/");
    uint64_t num_bits = 0;
    if (!kq_text_copy(kq_slice_of(text, len), address, sizeof address) || !read_address(address, out))
        return false;
    if (text[len] == '\0')
        return true;
    if (!kq_uint_parse(kq_slice_text(text + len + 1), out->num_bits, &num_bits))
        return false;
    out->num_bits = (size_t)num_bits;
    return true;
}

bool vault_cidr_is_valid(const char *cidr)
{
    struct range range;
    return read_range(cidr, &range);
}

bool vault_cidr_contains(const char *cidr, const char *address)
{
    struct range range, point;
    if (!read_range(cidr, &range) || !read_address(address, &point) || range.num_bytes != point.num_bytes)
        return false;
    size_t num_whole = range.num_bits / 8, num_rest = range.num_bits % 8;
    if (memcmp(range.bytes, point.bytes, num_whole) != 0)
        return false;
    uint8_t mask = (uint8_t)(0xff00u >> num_rest);
    return num_rest == 0 || ((range.bytes[num_whole] ^ point.bytes[num_whole]) & mask) == 0;
}
