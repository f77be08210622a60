// Loaded into every `rampart run` the demo starts: when the orchestrator goes away without a word, the command is asked to end,
// and ends what it has started.
process.stdin.on('close', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.resume();
if ('unref' in process.stdin) process.stdin.unref();
