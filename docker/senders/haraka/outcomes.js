// A line of the log for each recipient and what became of it: Haraka's own lines name none.

'use strict'

const tell = (plugin, what, recipients, reason) => {
  for (const { address } of recipients)
    plugin.lognotice(`${what} to=<${address}> ${JSON.stringify(String(reason))}`)
}

exports.hook_delivered = function (next, hmail, [, , response, , , , recipients]) {
  tell(this, 'sent', recipients, response)
  next()
}

// A flush retries what waits already, and it waits once its file has its new name.
exports.hook_deferred = function (next, hmail, { err }) {
  const { filename } = hmail
  const told = () => {
    if (hmail.filename === filename) setTimeout(told, 5)
    else tell(this, 'deferred', hmail.todo.rcpt_to, err)
  }
  told()
  next()
}

exports.hook_bounce = function (next, hmail, error) {
  tell(this, 'bounced', error.bounced_rcpt ?? hmail.todo.rcpt_to, error.message)
  next()
}
