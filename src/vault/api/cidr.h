#ifndef VAULT_API_CIDR_H
#define VAULT_API_CIDR_H

#include <stdbool.h>

/* Address ranges of network rules: "203.0.113.7", "203.0.113.0/24", "2001:db8::/32". */
bool vault_cidr_is_valid(const char *cidr);
/* Does the range hold the address? An IPv4 address in IPv6's form (::ffff:a.b.c.d)
 * counts as IPv4. false where either cannot be read. */
bool vault_cidr_contains(const char *cidr, const char *address);

#endif
