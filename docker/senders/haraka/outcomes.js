// A line of the log for each recipient and what became of it: Haraka's own lines on that name none.

'use strict'

const tell = (plugin, what, { address }, reason) =>
  plugin.lognotice(`${what} to=<${address}> ${JSON.stringify(String(reason))}`)

exports.hook_delivered = function (next, hmail, [, , response, , , , recipients]) {
  for (const recipient of recipients) tell(this, 'sent', recipient, response)
  next()
}

// A flush retries what waits already, and it waits once its file has its new name.
exports.hook_deferred = function (next, hmail, { err }) {
  const { filename } = hmail
  const told = () => {
    if (hmail.filename === filename) return setTimeout(told, 5)
    for (const recipient of hmail.todo.rcpt_to)
      tell(this, 'deferred', recipient, recipient.reason ?? err)
  }
  told()
  next()
}

exports.hook_bounce = function (next, hmail, error) {
  for (const recipient of error.bounced_rcpt ?? hmail.todo.rcpt_to)
    tell(this, 'bounced', recipient, recipient.reason ?? error.message)
  next()
}
