#include "tools/common/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/wipe.h"

#define LINE_MAX_LEN 1024u
#define CTRL_C 3

int kq_terminal_open(void)
{
    return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* Reads to the end of the line, one byte at a time so as not to take what follows. */
static kq_status read_line(int fd, uint8_t line[LINE_MAX_LEN], size_t *out_len)
{
    size_t len = 0;
    for (;;) {
        uint8_t byte;
        ssize_t got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return KQ_ERR_IO;
        if (got == 0 || byte == CTRL_C)
            return KQ_ERR_CANCELLED;
        if (byte == '\n')
            break;
        if (len == LINE_MAX_LEN)
            return KQ_ERR_TOO_LARGE;
        line[len++] = byte;
    }
    *out_len = len;
    return KQ_OK;
}

static kq_status read_secret_line(int fd, uint8_t line[LINE_MAX_LEN], size_t *out_len)
{
    struct termios before;
    if (tcgetattr(fd, &before) != 0)
        return KQ_ERR_IO;
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    quiet.c_lflag |= ICANON;
    quiet.c_cc[VEOL] = CTRL_C;
    if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
        return KQ_ERR_IO;
    kq_status status = read_line(fd, line, out_len);
    tcsetattr(fd, TCSAFLUSH, &before);
    dprintf(fd, "\n");
    return status;
}

kq_status kq_terminal_ask(int fd, const char *prompt, enum kq_echo echo, struct kq_secret *out)
{
    uint8_t line[LINE_MAX_LEN];
    size_t len = 0;
    dprintf(fd, "%s: ", prompt);
    kq_status status = echo == KQ_ECHO_OFF ? read_secret_line(fd, line, &len) : read_line(fd, line, &len);
    if (status == KQ_OK)
        status = kq_secret_set(out, line, len);
    kq_wipe(line, sizeof line);
    return status;
}
