// A line of the log for each recipient and what became of it: Haraka's own lines name none.

'use strict'

const tell = (what, recipients, reason) => {
  for (const { address } of recipients)
    console.log(`outcome ${what} to=<${address}> ${JSON.stringify(String(reason))}`)
}

exports.hook_delivered = (next, hmail, [, , response, , , , recipients]) => {
  tell('sent', recipients, response)
  next()
}

// A flush retries what waits already, and it waits once its file has its new name.
exports.hook_deferred = (next, hmail, { err }) => {
  const { filename } = hmail
  const told = () => {
    if (hmail.filename === filename) setTimeout(told, 5)
    else tell('deferred', hmail.todo.rcpt_to, err)
  }
  told()
  next()
}

exports.hook_bounce = (next, hmail, error) => {
  tell('bounced', error.bounced_rcpt ?? hmail.todo.rcpt_to, error.message)
  next()
}
