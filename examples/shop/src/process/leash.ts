// Loaded into every service the demo starts: when the orchestrator goes away without a word (SIGKILL), so do they.
process.stdin.on('close', () => process.exit(0));
process.stdin.resume();
if ('unref' in process.stdin) process.stdin.unref();
