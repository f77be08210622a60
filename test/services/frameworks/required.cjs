const { Server } = require('http');
const { answer } = require('./plain-answer.cjs');

const server = new Server();
server.on('request', answer);
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
