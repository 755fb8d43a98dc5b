#ifndef KQ_TOOLS_KEYQUAY_OWNER_COMMANDS_H
#define KQ_TOOLS_KEYQUAY_OWNER_COMMANDS_H

/* Commands of the umbrella about the owner's side. Each is called like a
 * main(): argv[0] is the command's name; the result is the exit status. */
int kq_cmd_key(int argc, char **argv);
int kq_cmd_card(int argc, char **argv);
int kq_cmd_audit(int argc, char **argv);
int kq_cmd_root(int argc, char **argv);
int kq_cmd_world(int argc, char **argv);

#endif
