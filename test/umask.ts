/** Run before each file of tests: they compare modes to the bit, whatever the umask of whoever runs them. */

process.umask(0o022);
