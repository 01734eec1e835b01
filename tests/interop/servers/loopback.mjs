// Loaded before a server (node --import): every listener gets a port that the system chooses, on loopback
// only, and says which. The servers themselves would listen on all interfaces, at a fixed port.
import net from 'node:net';

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...given) {
  const called = given.find((argument) => typeof argument === 'function');
  this.once('listening', () => console.log(`listening ${this.address().port}`));
  return listen.call(this, { host: '127.0.0.1', port: 0 }, ...(called ? [called] : []));
};
