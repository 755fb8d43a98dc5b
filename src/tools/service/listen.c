/* Where keyvaultd is to listen, tried before anything is made: a first run
 * that cannot end well leaves nothing behind. */
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "tools/service/service.h"

#define HOST_MAX 64

/* "ADDR:PORT", an IPv6 address in brackets; NULL if it is not that. Names hold
 * the port, so it is not 0. */
static struct addrinfo *parse(const char *text)
{
    const char *colon = strrchr(text, ':');
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    char host[HOST_MAX];
    if (colon == NULL || colon == text || colon[1 + strspn(colon + 1, "0")] == '\0')
        return NULL;
    struct kq_slice name = kq_slice_of((const uint8_t *)text, (size_t)(colon - text));
    if (name.len > 2 && name.data[0] == '[' && name.data[name.len - 1] == ']')
        name = kq_slice_of(name.data + 1, name.len - 2);
    if (!kq_text_copy(name, host, sizeof host) || getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return NULL;
    return found;
}

/* Returns 0 or the number of the error. */
static int try_address(const struct addrinfo *address)
{
    const int yes = 1;
    KQ_AUTO_FD fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    /* As keyvaultd does it: connections of a former run do not count. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        (address->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) != 0) ||
        bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, 1) != 0)
        return errno;
    return 0;
}

static kq_status check(struct kq_service *service, const char *text, int *out_error)
{
    struct addrinfo *address = parse(text);
    if (address == NULL)
        return kq_tool_usage(
            service->tool, "--listen takes ADDRESS:PORT, for example 127.0.0.1:8443 or [::1]:8443, not '%.60s'", text);
    *out_error = try_address(address);
    freeaddrinfo(address);
    return KQ_OK;
}

static bool is_named_before(const struct kq_service_listen *listen, size_t i)
{
    for (size_t j = 0; j < i && i < listen->num; j++) {
        if (strcmp(listen->addresses[j], listen->addresses[i]) == 0)
            return true;
    }
    return false;
}

static bool has_no_such_family(int error)
{
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

kq_status kq_service_try_listen(struct kq_service *service, struct kq_service_listen *listen)
{
    static const char *const defaults[] = {KQ_SERVICE_LISTEN, KQ_SERVICE_LISTEN_6};
    const bool is_chosen = listen->num > 0;
    char path[KQ_PATH_MAX];
    int error;
    KQ_TRY(kq_path_join(service->data, "keyvaultd.conf", path));
    if (kq_file_exists(path))
        return KQ_OK;
    for (size_t i = 0; i < (is_chosen ? listen->num : 2); i++) {
        const char *address = is_chosen ? listen->addresses[i] : defaults[i];
        if (is_named_before(listen, i))
            return kq_tool_usage(service->tool, "--listen %s is there twice", address);
        KQ_TRY(check(service, address, &error));
        if (!is_chosen && i == 1 && has_no_such_family(error))
            listen->addresses[listen->num++] = defaults[0]; /* a machine without IPv6 */
        else if (error != 0)
            return kq_tool_fail(service->tool, error == EACCES ? KQ_ERR_DENIED : KQ_ERR_STATE,
                                "Name another with --listen ADDRESS:PORT, or end what listens there.",
                                "%s: cannot listen there: %s", address, strerror(error));
    }
    return KQ_OK;
}
