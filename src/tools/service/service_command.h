#ifndef KQ_TOOLS_SERVICE_SERVICE_COMMAND_H
#define KQ_TOOLS_SERVICE_SERVICE_COMMAND_H

/* Commands of the umbrella, each called like a main(): argv[0] is the
 * command's name; the result is the exit status. */
int kq_cmd_up(int argc, char **argv);
int kq_cmd_down(int argc, char **argv);
int kq_cmd_status(int argc, char **argv);
int kq_cmd_vault(int argc, char **argv);
int kq_cmd_subscription(int argc, char **argv);
int kq_cmd_principal(int argc, char **argv);
int kq_cmd_issuer(int argc, char **argv);

#endif
