package precondition

// AskSockets is for the tests.
var AskSockets = askSockets
