package capture_test

func killHelper() func() { return nil }
