#!/usr/bin/env node
// npm links a command when it installs, which in a clone is before anything is built: so this file is not built.
import '../lib/programs/cli/main.js';
