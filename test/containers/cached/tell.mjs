// Tells the mta something, and prints what it says: `node tell.mjs flush a.test b.test`.
import { connect } from 'node:net';

const socket = connect(8026, '127.0.0.1').setEncoding('utf8');
socket.end(process.argv.slice(2).join(' '));
socket.pipe(process.stdout);
