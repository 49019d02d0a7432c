{{.SetUpDeltaLogSQL}}
