// W11 in full: the crash tests of write-back with every command cut, not one in a few (OVERFS_SOAK is `long`).

import '../writeback/crash.test.ts';
