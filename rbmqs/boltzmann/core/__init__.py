"""rbmqs/boltzmann/core"""
