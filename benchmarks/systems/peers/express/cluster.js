// The same server in PROCESSES processes behind one port, as in Node's documentation.
import cluster from "node:cluster";

if (cluster.isPrimary) {
  for (let number = 0; number < Number(process.env.PROCESSES); number++) cluster.fork();
} else {
  await import("./server.js");
}
